import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { toFloat16Bits } from './float16.js';

/** Element types that the builder writes. */
export type ElementType = 'float32' | 'float16' | 'uint8' | 'int32' | 'int64' | 'bool';

export const ELEMENT_TYPE: Record<ElementType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  uint8: TensorProto_DataType.UINT8,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

export const ELEMENT_BYTES: Record<ElementType, number> = {
  float32: 4,
  float16: 2,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
};

/** Number of elements of a shape. */
export const elementCount = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** The bytes of a typed array, without a copy. */
export const bytesOf = (array: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);

/** Floats as the bytes of a float32 or float16 tensor. */
export function floatBytes(values: Float32Array, type: 'float32' | 'float16'): Uint8Array<ArrayBuffer> {
  return bytesOf(type === 'float16' ? toFloat16Bits(values) : values);
}

/** Numbers as the bytes of a tensor of any element type. */
export function numberBytes(values: readonly (number | bigint)[], type: ElementType): Uint8Array<ArrayBuffer> {
  switch (type) {
    case 'float32':
    case 'float16':
      return floatBytes(Float32Array.from(values, Number), type);
    case 'int64':
      return bytesOf(BigInt64Array.from(values, BigInt));
    case 'int32':
      return bytesOf(Int32Array.from(values, Number));
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values, Number);
  }
}

/** A tensor whose elements lie in rawData (or, without bytes, are to be placed in an external file). */
export function tensorProto(
  name: string,
  type: ElementType,
  dims: readonly number[],
  bytes?: Uint8Array<ArrayBuffer>,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: ELEMENT_TYPE[type],
    dims: dims.map(BigInt),
    ...(bytes ? { rawData: bytes } : {}),
  });
}
