import { Float16Array } from '@petamoriken/float16';
import { Tensor } from '../../../src/runtime/tensor.js';
import type { HostData } from '../../../src/runtime/types.js';

export type FloatType = 'float32' | 'float16' | 'bfloat16';

/** The bits of bfloat16, rounded to nearest even. */
function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
}

function toBits(values: Float32Array, dtype: FloatType): HostData {
  if (dtype === 'float32') return values;
  return dtype === 'bfloat16' ? toBfloat16(values) : new Uint16Array(new Float16Array(values).buffer as ArrayBuffer);
}

export function toFloat32(data: HostData, dtype: FloatType): Float32Array {
  if (dtype === 'float32') return data as Float32Array;
  const bits = data as Uint16Array;
  if (dtype === 'bfloat16') return new Float32Array(Uint32Array.from(bits, (word) => word << 16).buffer);
  return Float32Array.from(new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length));
}

/** The nearest values that `dtype` has, as float32. */
export const roundTo = (values: Float32Array, dtype: FloatType) => toFloat32(toBits(values, dtype), dtype);

export const floatTensor = (values: Float32Array, dtype: FloatType, shape: readonly number[]) =>
  Tensor.fromArray(dtype, toBits(values, dtype), shape);
