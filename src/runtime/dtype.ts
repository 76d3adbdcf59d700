import { MinferenceError } from '../errors.js';
import type { DType, HostData } from './types.js';

type HostArray = { readonly name: string; new (buffer: ArrayBuffer): HostData };

interface DTypeInfo {
  /** TensorProto.DataType. */
  onnx: number;
  bytes: number;
  /** What holds the elements in JavaScript. */
  array: HostArray;
  view: (buffer: ArrayBuffer) => HostData;
}

function entry(onnx: number, array: HostArray & { BYTES_PER_ELEMENT: number }): DTypeInfo {
  return { onnx, bytes: array.BYTES_PER_ELEMENT, array, view: (buffer) => new array(buffer) };
}

export const DTYPES: Record<DType, DTypeInfo> = {
  float32: entry(1, Float32Array),
  uint8: entry(2, Uint8Array),
  int8: entry(3, Int8Array),
  int32: entry(6, Int32Array),
  int64: entry(7, BigInt64Array),
  bool: entry(9, Uint8Array),
  float16: entry(10, Uint16Array),
  float64: entry(11, Float64Array),
  bfloat16: entry(16, Uint16Array),
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
