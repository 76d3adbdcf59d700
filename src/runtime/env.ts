import { homedir } from 'node:os';
import { join } from 'node:path';

/** Environment variables this project reads, all of them here; `minference inspect` lists them. */
export const ENV_VARIABLES = {
  MINFERENCE_ORT_LIBRARY: 'path of libonnxruntime.so.1 to use instead of onnxruntime-node’s (API version 29)',
  MINFERENCE_KERNELS_PATH: 'folder of minference.node and libminference_ops.so to use',
  MINFERENCE_COSTS:
    'when to compute dense: “default” costs, or a file of costs, instead of timing a device at its first use',
  MINFERENCE_SIMD: 'instruction set of the CPU kernels: avx512, avx2 or generic (default: the best there is)',
} as const;

export type EnvVariable = keyof typeof ENV_VARIABLES;

/** The variable's value; undefined when unset or empty. */
export function readEnv(name: EnvVariable): string | undefined {
  return process.env[name] || undefined;
}

/** What this project keeps for a user between runs: below `$XDG_CACHE_HOME`, or `~/.cache`. */
export function userCacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(process.env.HOME || homedir(), '.cache'), 'minference');
}
