import { MinferenceError } from '../errors.js';
import { gpuFacts } from './gpu.js';
import type { Device } from './types.js';

/**
 * The device to run on. 'auto' takes the GPU where everything it needs is there, else the CPU.
 *
 * @throws {MinferenceError} DEVICE_UNAVAILABLE with what 'cuda' lacks and how to get it.
 */
export async function resolveDevice(requested: 'auto' | Device): Promise<Device> {
  if (requested === 'cpu') return 'cpu';
  if (gpuFacts().usable) return 'cuda';
  if (requested === 'auto') return 'cpu';
  throw cudaUnavailable();
}

/** What 'cuda' lacks on this machine, and how to get it. */
export function cudaUnavailable(): MinferenceError {
  const missing = gpuFacts().checks.filter((check) => !check.ok);
  return new MinferenceError(
    'DEVICE_UNAVAILABLE',
    `expected a usable CUDA device, found: ${missing.map((check) => check.found).join('; ')}`,
    { hint: missing.map((check) => check.fix).join('; ') },
  );
}
