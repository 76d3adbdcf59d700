import { homedir } from 'node:os';
import { join } from 'node:path';

/** Environment variables that this project reads, all of them here; README.md and `minference inspect` list them. */
export const ENV_VARIABLES = {
  MINFERENCE_ORT_LIBRARY: 'path of libonnxruntime.so.1 to use instead of onnxruntime-node’s (API version 29)',
  MINFERENCE_KERNELS_PATH: 'folder of minference.node and libminference_ops.so to use',
  MINFERENCE_COSTS:
    'when to compute dense: “default” costs, or a file of costs, instead of timing a device at its first use',
  MINFERENCE_SIMD: 'instruction set of the CPU kernels: avx512, avx2 or generic (default: the best there is)',
  CUDA_VISIBLE_DEVICES: 'GPUs that may be used, as CUDA reads it',
  XDG_CACHE_HOME: 'folder in which timings and checks of this machine are kept (default: ~/.cache)',
  HF_TOKEN: 'access token for private and gated models on the Hub',
  HF_ACCESS_TOKEN: 'the same, as transformers.js calls it',
  HF_ENDPOINT: 'address of a mirror to use instead of the Hub',
  HF_HUB_OFFLINE: '1: models from the cache only',
  HF_HOME: 'folder of the caches: ours in transformers.js/, Python’s in hub/',
  HF_HUB_CACHE: 'folder of the cache of Python’s tools, read only (default: ~/.cache/huggingface/hub)',
  NO_COLOR: 'anything: no colours',
  TERM: '“dumb”: no live screen',
} as const;

export type EnvVariable = keyof typeof ENV_VARIABLES;

const SECRETS: ReadonlySet<EnvVariable> = new Set(['HF_TOKEN', 'HF_ACCESS_TOKEN']);

/** The variable's value; undefined when unset or empty. */
export function readEnv(name: EnvVariable): string | undefined {
  return process.env[name] || undefined;
}

/** All variables with their values as they may be shown: of a token only that it is set. */
export function describeEnv(): { name: EnvVariable; value: string | null; meaning: string }[] {
  return (Object.keys(ENV_VARIABLES) as EnvVariable[]).map((name) => {
    const value = readEnv(name) ?? null;
    return { name, value: value !== null && SECRETS.has(name) ? 'set' : value, meaning: ENV_VARIABLES[name] };
  });
}

/** The environment of a child process: this one's, and `more`. */
export const childEnv = (more: Record<string, string>): NodeJS.ProcessEnv => ({ ...process.env, ...more });

/** Sets a variable for the libraries in this process unless the user has. */
export function setEnvDefault(name: string, value: string): void {
  process.env[name] ??= value;
}

/** Where users' caches lie. */
export const cacheHome = (): string => readEnv('XDG_CACHE_HOME') ?? join(homedir(), '.cache');

/** What this project keeps for a user between runs. */
export const userCacheFolder = (): string => join(cacheHome(), 'minference');
