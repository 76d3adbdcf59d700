import type { TensorProto } from 'onnx-buf';

/** Bits of an element, by TensorProto.DataType; strings have no size. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16 },
  ...{ 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2 },
};

/** Bytes of a tensor's elements; null for types of unknown size and for shapes of no sense. */
export function tensorBytes({ dims, dataType }: TensorProto): number | null {
  const bits = ELEMENT_BITS[dataType];
  const bytes = Math.ceil((dims.reduce((product, dim) => product * Number(dim), 1) * (bits ?? Number.NaN)) / 8);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
}
