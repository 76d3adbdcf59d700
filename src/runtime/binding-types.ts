/** The native addon as kernels/addon/addon.cc exports it. Element types are ONNX's TensorProto.DataType numbers. */
export interface NativeBinding {
  /** Opens ONNX Runtime's library once; returns its version. */
  loadRuntime(path: string): string;
  /** Geometry of the optimized CPU kernels for a head dimension, and the instruction set they chose. */
  kernelInfo(headDim: number): { blockM: number; blockN: number; keyAlign: number; simd: string };
  createSession(options: NativeSessionOptions): Promise<NativeSession>;
  Tensor: new (elementType: number, shape: readonly number[]) => NativeTensor;
}

export interface NativeSessionOptions {
  model: Uint8Array;
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
  /** The elements' memory itself; stays valid after dispose(). */
  view(): ArrayBuffer;
  dispose(): void;
}

export interface NativeSession {
  readonly inputs: NativeTensorInfo[];
  readonly outputs: NativeTensorInfo[];
  /** Runs on another thread. A fetch with null is allocated by ONNX Runtime. */
  run(
    feeds: readonly (readonly [name: string, tensor: NativeTensor])[],
    fetches: readonly (readonly [name: string, tensor: NativeTensor | null])[],
  ): { promise: Promise<NativeTensor[]>; terminate(): void };
  endProfiling(): string;
  dispose(): void;
}
