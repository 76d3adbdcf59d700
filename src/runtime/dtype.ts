import { MinferenceError } from '../errors.js';
import type { DType, HostData } from './types.js';

interface DTypeInfo {
  /** TensorProto.DataType. */
  onnx: number;
  bytes: number;
  view: (buffer: ArrayBuffer, byteOffset?: number, length?: number) => HostData;
}

export const DTYPES: Record<DType, DTypeInfo> = {
  float32: { onnx: 1, bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) },
  uint8: { onnx: 2, bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  int8: { onnx: 3, bytes: 1, view: (b, o, n) => new Int8Array(b, o, n) },
  int32: { onnx: 6, bytes: 4, view: (b, o, n) => new Int32Array(b, o, n) },
  int64: { onnx: 7, bytes: 8, view: (b, o, n) => new BigInt64Array(b, o, n) },
  bool: { onnx: 9, bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  float16: { onnx: 10, bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  bfloat16: { onnx: 16, bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
};

const byOnnx = new Map(Object.entries(DTYPES).map(([name, info]) => [info.onnx, name as DType]));

/** @throws {MinferenceError} MODEL_UNSUPPORTED for element types no graph input or output of a decoder has. */
export function dtypeFromOnnx(elementType: number, what: string): DType {
  const dtype = byOnnx.get(elementType);
  if (dtype === undefined) {
    throw new MinferenceError(
      'MODEL_UNSUPPORTED',
      `expected ${what} to hold one of ${Object.keys(DTYPES).join(', ')}, found ONNX element type ${elementType}`,
    );
  }
  return dtype;
}
