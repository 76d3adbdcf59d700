import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType } from 'onnx-buf';

/** Constants that decide how a graph is rewritten (shapes, axes, scales, masks) are small; weights are not read. */
const MAX_ELEMENTS = 1 << 16;

const READERS: Partial<Record<TensorProto_DataType, { bytes: number; read: (view: DataView, at: number) => number }>> =
  {
    [TensorProto_DataType.FLOAT]: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
    [TensorProto_DataType.DOUBLE]: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
    [TensorProto_DataType.FLOAT16]: { bytes: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
    [TensorProto_DataType.BFLOAT16]: { bytes: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
    [TensorProto_DataType.INT64]: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
    [TensorProto_DataType.INT32]: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
    [TensorProto_DataType.INT8]: { bytes: 1, read: (view, at) => view.getInt8(at) },
    [TensorProto_DataType.UINT8]: { bytes: 1, read: (view, at) => view.getUint8(at) },
    [TensorProto_DataType.BOOL]: { bytes: 1, read: (view, at) => view.getUint8(at) },
  };

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatToNumber(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

export const tensorShape = (tensor: TensorProto): number[] => tensor.dims.map(Number);

/** The elements of a small inline tensor, row-major; null when it is large, external or of another type. */
export function tensorValues(tensor: TensorProto): number[] | null {
  const count = tensorShape(tensor).reduce((product, dim) => product * dim, 1);
  if (!(count <= MAX_ELEMENTS) || tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) return null;
  if (tensor.rawData.length > 0 || count === 0) return rawValues(tensor, count);
  for (const list of [tensor.floatData, tensor.int32Data, tensor.int64Data, tensor.doubleData]) {
    if (list.length === 0) continue;
    if (list.length !== count) return null;
    const values = Array.from(list as Iterable<number | bigint>, Number);
    // 16-bit floats travel as bit patterns in int32Data.
    if (tensor.dataType === TensorProto_DataType.FLOAT16) return values.map(halfToNumber);
    if (tensor.dataType === TensorProto_DataType.BFLOAT16) return values.map(bfloatToNumber);
    return values;
  }
  return null;
}

function rawValues(tensor: TensorProto, count: number): number[] | null {
  const reader = READERS[tensor.dataType as TensorProto_DataType];
  const bytes = tensor.rawData;
  if (!reader || bytes.length !== count * reader.bytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => reader.read(view, i * reader.bytes));
}
