import { MinferenceError } from '../errors.js';
import { gpuFacts } from './gpu.js';
import { cudaInfo } from './native.js';
import type { Device } from './types.js';

/**
 * The device to run on. 'auto' takes the GPU where everything it needs is there, else the CPU.
 *
 * @throws {MinferenceError} DEVICE_UNAVAILABLE with what 'cuda' lacks and how to get it.
 */
export async function resolveDevice(requested: 'auto' | Device): Promise<Device> {
  if (requested === 'cpu') return 'cpu';
  if (gpuFacts().usable && cudaInfo().problem === null) return 'cuda';
  if (requested === 'auto') return 'cpu';
  throw cudaUnavailable();
}

/** What 'cuda' lacks on this machine, and how to get it. */
export function cudaUnavailable(): MinferenceError {
  const missing = gpuFacts().checks.filter((check) => !check.ok);
  if (missing.length === 0) {
    return new MinferenceError(
      'DEVICE_UNAVAILABLE',
      `expected a usable CUDA device, found none: ${cudaInfo().problem ?? 'it is there now'}`,
      { hint: 'check nvidia-smi, and CUDA_VISIBLE_DEVICES; or use --device cpu' },
    );
  }
  return new MinferenceError(
    'DEVICE_UNAVAILABLE',
    `expected a usable CUDA device, found: ${missing.map((check) => check.found).join('; ')}`,
    { hint: missing.map((check) => check.fix).join('; ') },
  );
}
