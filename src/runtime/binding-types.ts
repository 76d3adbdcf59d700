import type { CostModel } from './costs/cost-model.js';

/** The native addon as kernels/addon/addon.cc exports it. Element types are ONNX's TensorProto.DataType numbers. */
export interface NativeBinding {
  /** Opens ONNX Runtime's library once; returns its version. */
  loadRuntime(path: string): string;
  /** Geometry of a device's optimized kernels for a head dimension, and the instruction set that the CPU's chose. */
  kernelInfo(
    headDim: number,
    device: 'cpu' | 'cuda',
    deviceId: number,
  ): { blockM: number; blockN: number; keyAlign: number; columnsInPlace: boolean; simd: string };
  /** Costs of the fallback to dense where nothing was measured; CostModel in kernels/include/minference/costs.h. */
  defaultCosts(device: 'cpu' | 'cuda'): CostModel;
  /** Opens the CUDA driver and asks for its devices; takes none into use. */
  cudaInfo(): NativeCudaInfo;
  /** Takes the device into use. */
  cudaMemory(deviceId: number): { freeBytes: number; totalBytes: number };
  /**
   * What the attention ops of a session have done so far, by the entry ai.minference.session of its configuration: in the
   * order of kernels/ops/session_counters.h; null where it has none of these ops.
   */
  readCounters(opsLibrary: string, session: string): number[] | null;
  /** Works on another thread. The model's bytes must not change before the promise is settled. */
  createSession(options: NativeSessionOptions): { promise: Promise<NativeSession>; cancel(): void };
  /** Uninitialised memory of the host or of the CUDA device. */
  Tensor: new (
    elementType: number,
    shape: readonly number[],
    location: 'host' | 'cuda',
    deviceId: number,
  ) => NativeTensor;
}

export interface NativeCudaInfo {
  /** Why there is no device; null where there is one. */
  problem: string | null;
  /** 13000 is CUDA 13.0; 0 without a driver. */
  driverVersion: number;
  runtimeVersion: number;
  devices: NativeCudaDevice[];
}

export interface NativeCudaDevice {
  /** Number among the devices that CUDA_VISIBLE_DEVICES leaves. */
  id: number;
  name: string;
  computeCapability: string;
  multiprocessors: number;
  totalBytes: number;
}

/** What every function and promise of the addon fails with. */
export interface NativeError extends Error {
  /** ONNX Runtime's name of the error, such as INVALID_GRAPH; NATIVE for the addon's own checks. */
  code: string;
}

export interface NativeSessionOptions {
  model: Uint8Array;
  device: 'cpu' | 'cuda';
  deviceId: number;
  /** Further session configuration entries. */
  config?: Readonly<Record<string, string>>;
  externalDataFolder?: string;
  /** Path of the custom-op library; absent for plain ONNX Runtime. */
  opsLibrary?: string;
  threads: number;
  /** ONNX Runtime's GraphOptimizationLevel: 0, 1, 2 or 99. */
  optimization: number;
  profilePrefix?: string;
}

export interface NativeTensorInfo {
  name: string;
  elementType: number;
  shape: (number | string)[];
}

export interface NativeTensor {
  readonly elementType: number;
  readonly shape: number[];
  readonly byteLength: number;
  readonly location: 'host' | 'cuda';
  /** The elements' memory itself, the same buffer each time; detached by dispose(). Host tensors only. */
  view(): ArrayBuffer;
  /** A copy of the elements. */
  read(): ArrayBuffer;
  write(source: NodeJS.TypedArray, byteOffset: number): void;
  /** Frees the memory at once, or after the runs that use it. */
  dispose(): void;
}

export interface NativeSession {
  readonly inputs: NativeTensorInfo[];
  readonly outputs: NativeTensorInfo[];
  /**
   * Runs on another thread. A fetch with a tensor is written into it and yields null; the others are allocated by ONNX
   * Runtime, on the host or on the session's device.
   */
  run(
    feeds: readonly (readonly [name: string, tensor: NativeTensor])[],
    fetches: readonly (readonly [name: string, target: NativeTensor | 'host' | 'device'])[],
  ): { promise: Promise<(NativeTensor | null)[]>; terminate(): void };
  endProfiling(): string;
  /** Frees the session, after the runs under way. */
  dispose(): void;
}
