import { cpus } from 'node:os';
import { MinferenceError } from '../errors.js';
import { gpuFacts } from './gpu.js';
import { locateNativeFiles } from './locate.js';
import { cudaInfo } from './native.js';
import { probeNative } from './probe.js';
import type { Device } from './types.js';

export interface DeviceRequest {
  /** `'auto'` (default) takes a GPU where everything it needs is there, else the CPU. */
  device?: 'auto' | Device | undefined;
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. Asks for CUDA. */
  deviceId?: number | undefined;
}

/** Where a model runs. */
export interface DeviceChoice {
  kind: Device;
  /** Number of the CUDA device; null on the CPU. */
  id: number | null;
  /** As the processor or the GPU calls itself. */
  name: string;
  /** Why `'auto'` took the CPU; null where it did not, or the CPU was asked for. */
  reason: string | null;
}

/** Why nothing can run on CUDA here, and what to do about it. */
export interface CudaProblem {
  message: string;
  hint: string;
}

/**
 * The device to run on.
 *
 * @throws {MinferenceError} USAGE for a device number that is none; DEVICE_UNAVAILABLE with what CUDA lacks and how to
 *   get it, or with the devices that there are.
 */
export async function resolveDevice({ device = 'auto', deviceId }: DeviceRequest): Promise<DeviceChoice> {
  checkRequest(device, deviceId);
  if (device === 'cpu') return onCpu(null);
  const problem = cudaProblem();
  if (problem === null) return onCuda(deviceId ?? 0);
  if (device === 'auto' && deviceId === undefined) return onCpu(problem.message);
  throw cudaUnavailable(problem);
}

/** Null where CUDA is usable. Loads nothing before a child process has. */
export function cudaProblem(): CudaProblem | null {
  const missing = gpuFacts().checks.filter(({ ok }) => !ok);
  // Without a driver, what else is missing does not matter.
  const told = missing[0]?.what === 'driver' ? missing.slice(0, 1) : missing;
  if (told.length > 0) {
    return {
      message: told.map(({ found }) => found).join('; '),
      hint: [...new Set(missing.map(({ fix }) => fix))].join('; '),
    };
  }
  try {
    probeNative(locateNativeFiles(), 'cuda');
  } catch (error) {
    if (!(error instanceof MinferenceError)) throw error;
    return { message: error.message, hint: error.hint ?? 'check nvidia-smi' };
  }
  const { problem } = cudaInfo();
  return problem === null ? null : { message: problem, hint: 'check nvidia-smi, and CUDA_VISIBLE_DEVICES' };
}

/** @throws {MinferenceError} DEVICE_UNAVAILABLE unless CUDA is usable */
export function requireCuda(): void {
  const problem = cudaProblem();
  if (problem !== null) throw cudaUnavailable(problem);
}

const cudaUnavailable = ({ message, hint }: CudaProblem) =>
  new MinferenceError('DEVICE_UNAVAILABLE', `expected a usable CUDA device, found: ${message}`, {
    hint: `${hint}; or use --device cpu`,
  });

function checkRequest(device: string, deviceId: number | undefined): void {
  if (!['auto', 'cpu', 'cuda'].includes(device)) {
    throw new MinferenceError('USAGE', `device: expected one of auto, cpu, cuda, found "${device}"`);
  }
  if (deviceId === undefined) return;
  if (!Number.isInteger(deviceId) || deviceId < 0) {
    throw new MinferenceError('USAGE', `deviceId: expected the number of a CUDA device, found ${deviceId}`);
  }
  if (device === 'cpu') {
    throw new MinferenceError('USAGE', `expected a device number with CUDA only, found ${deviceId} for the CPU`, {
      hint: 'leave out --device-id, or use --device cuda',
    });
  }
}

function onCpu(reason: string | null): DeviceChoice {
  return { kind: 'cpu', id: null, name: cpus()[0]?.model.trim() || 'unknown', reason };
}

function onCuda(id: number): DeviceChoice {
  const { devices } = cudaInfo();
  const found = devices.find((device) => device.id === id);
  if (found) return { kind: 'cuda', id, name: found.name, reason: null };
  const list = devices.map((device) => `${device.id} (${device.name})`).join(', ');
  throw new MinferenceError('DEVICE_UNAVAILABLE', `expected one of the CUDA devices ${list}, found number ${id}`, {
    hint: 'give one of them with --device-id; CUDA_VISIBLE_DEVICES hides and renumbers devices',
  });
}
