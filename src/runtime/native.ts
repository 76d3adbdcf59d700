import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { MinferenceError } from '../errors.js';
import type { NativeBinding, NativeCudaInfo } from './binding-types.js';
import type { CostModel } from './costs/cost-model.js';
import { locateNativeFiles, type NativeFiles } from './locate.js';
import { callNative } from './native-error.js';
import { probeNative } from './probe.js';
import type { Device } from './types.js';

const require = createRequire(import.meta.url);
let loaded: { binding: NativeBinding; ortVersion: string } | undefined;

/** Tile geometry of a device's optimized kernels; see kernels/include/minference/params.h. */
export interface KernelGeometry {
  /** Query rows per block. */
  blockM: number;
  /** Keys per tile. */
  blockN: number;
  /** Keys to which ranges are rounded. */
  keyAlign: number;
  /** Whether columns are computed in pieces of the head's list, `blockN` at a time. */
  columnsInPlace: boolean;
}

/**
 * The native addon with ONNX Runtime opened. The first call of a build tries it in a child process, so that a broken
 * library ends in a message and not in a crash.
 *
 * @throws {MinferenceError} NATIVE_NOT_BUILT, NATIVE_LOAD_FAILED.
 */
export function loadNative(): NativeBinding {
  loaded ??= load(locateNativeFiles());
  return loaded.binding;
}

/** Version of the ONNX Runtime library in use. */
export function onnxRuntimeVersion(): string {
  loadNative();
  return loaded!.ortVersion;
}

/** Path of the custom-op library that sessions register. */
export function opsLibraryPath(): string {
  return locateNativeFiles().ops;
}

/**
 * Geometry of a device's optimized kernel for a head dimension.
 *
 * @throws {MinferenceError} RUNTIME_FAILED for `'cuda'` without a device.
 */
export function kernelGeometry(headDim: number, device: Device = 'cpu', deviceId = 0): KernelGeometry {
  const { kernelInfo } = loadNative();
  const info = callNative('the kernels cannot be asked for their tile', () => kernelInfo(headDim, device, deviceId));
  const { blockM, blockN, keyAlign, columnsInPlace } = info;
  return { blockM, blockN, keyAlign, columnsInPlace };
}

/** What the CUDA driver says about its devices; `problem` where there is none. Opens the driver. */
export function cudaInfo(): NativeCudaInfo {
  return loadNative().cudaInfo();
}

/** Bytes of a CUDA device. @throws {MinferenceError} RUNTIME_FAILED without such a device */
export function cudaMemory(deviceId: number): { freeBytes: number; totalBytes: number } {
  const { cudaMemory: ask } = loadNative();
  return callNative('the GPU cannot be asked for its memory', () => ask(deviceId));
}

/** Costs of the fallback to dense where nothing was measured. */
export function defaultCosts(device: Device): CostModel {
  return loadNative().defaultCosts(device);
}

/** Instruction set that the CPU kernels chose on this processor. */
export function simdLevel(): string {
  return loadNative().kernelInfo(64, 'cpu', 0).simd;
}

function load(files: NativeFiles): { binding: NativeBinding; ortVersion: string } {
  for (const path of [files.addon, files.ops]) {
    if (existsSync(path)) continue;
    throw new MinferenceError('NATIVE_NOT_BUILT', `expected the native part at ${path}, found nothing`, {
      hint: `run: ${files.fix.cpu}`,
    });
  }
  if (!existsSync(files.onnxRuntime)) {
    throw new MinferenceError('NATIVE_LOAD_FAILED', `expected ONNX Runtime at ${files.onnxRuntime}, found nothing`, {
      hint: `run: ${files.fix.cpu}. Or let MINFERENCE_ORT_LIBRARY name a libonnxruntime.so.1 of version 1.29 or newer`,
    });
  }
  probeNative(files, 'cpu');
  const binding = require(files.addon) as NativeBinding;
  return { binding, ortVersion: binding.loadRuntime(files.onnxRuntime) };
}
