import { setFloat16 } from '@petamoriken/float16';

/** float32 → IEEE half bits, round to nearest even. */
export function toFloat16Bits(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  const view = new DataView(bits.buffer);
  for (let index = 0; index < values.length; index++) setFloat16(view, index * 2, values[index]!, true);
  return bits;
}
