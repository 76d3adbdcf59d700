/** Environment variables this project reads, all of them here; `minference inspect` lists them. */
export const ENV_VARIABLES = {
  MINFERENCE_ORT_LIBRARY: 'path of libonnxruntime.so.1 to use instead of the one beside the addon (API version 29)',
  MINFERENCE_KERNELS_PATH: 'folder of minference.node, libminference_ops.so and libonnxruntime.so.1 to use',
  MINFERENCE_CUDA_COSTS: '“default”: do not time the CUDA kernels on a device’s first use, nor read what was measured',
  MINFERENCE_SIMD: 'instruction set of the CPU kernels: avx512, avx2 or generic (default: the best there is)',
} as const;

export type EnvVariable = keyof typeof ENV_VARIABLES;

/** The variable's value; undefined when unset or empty. */
export function readEnv(name: EnvVariable): string | undefined {
  return process.env[name] || undefined;
}
