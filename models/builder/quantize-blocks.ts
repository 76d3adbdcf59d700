import { getFloat16 } from '@petamoriken/float16';
import { toFloat16Bits } from './float16.js';
import type { QuantizationSpec } from './spec.js';

/** A matrix [rows, columns] in blocks along its columns, laid out as MatMulNBits and GatherBlockQuantized read it. */
export interface QuantizedBlocks {
  /** [rows, blocks, blockSize · bits / 8]; of two 4-bit values the lower half comes first. */
  data: Uint8Array<ArrayBuffer>;
  /** [rows, blocks] */
  scales: Float32Array;
  /** [rows, ⌈blocks · bits / 8⌉] or null when every zero point is 2^(bits − 1). */
  zeroPoints: Uint8Array<ArrayBuffer> | null;
  blocks: number;
}

/**
 * Rounds each block to `bits` bits: value ≈ (q − zeroPoint) · scale.
 *
 * @param halfScales - round scales to float16 first, because they will be stored so
 */
export function quantizeBlocks(
  values: Float32Array,
  rows: number,
  columns: number,
  { bits, blockSize, symmetric }: Pick<QuantizationSpec, 'bits' | 'blockSize' | 'symmetric'>,
  halfScales = false,
): QuantizedBlocks {
  const blocks = Math.ceil(columns / blockSize);
  const scales = new Float32Array(rows * blocks);
  const zeros = new Uint8Array(rows * blocks);
  eachBlock(rows, columns, blockSize, (index, start, end) => {
    const { scale, zero } = symmetric ? symmetricScale(values, start, end, bits) : rangeScale(values, start, end, bits);
    scales[index] = scale;
    zeros[index] = zero;
  });
  if (halfScales) roundToHalf(scales);

  const top = 2 ** bits - 1;
  const data = new Uint8Array((rows * blocks * blockSize * bits) / 8);
  eachBlock(rows, columns, blockSize, (index, start, end) => {
    const scale = scales[index]!;
    const zero = zeros[index]!;
    for (let at = 0; at < blockSize; at++) {
      const value = start + at < end && scale !== 0 ? values[start + at]! / scale : 0;
      const level = Math.min(top, Math.max(0, Math.round(value) + zero));
      const position = index * blockSize + at;
      if (bits === 8) data[position] = level;
      else data[position >> 1]! |= level << ((position & 1) * 4);
    }
  });
  return { data, scales, zeroPoints: symmetric ? null : packZeros(zeros, rows, blocks, bits), blocks };
}

/** The matrix that the quantised blocks stand for. */
export function dequantizeBlocks(
  { data, scales, zeroPoints, blocks }: QuantizedBlocks,
  rows: number,
  columns: number,
  { bits, blockSize }: Pick<QuantizationSpec, 'bits' | 'blockSize'>,
): Float32Array {
  const nibble = (bytes: Uint8Array, at: number) => (bytes[at >> 1]! >> ((at & 1) * 4)) & 15;
  const level = (bytes: Uint8Array, at: number) => (bits === 8 ? bytes[at]! : nibble(bytes, at));
  const zeroStride = Math.ceil((blocks * bits) / 8) * (8 / bits);
  const values = new Float32Array(rows * columns);
  eachBlock(rows, columns, blockSize, (index, start, end) => {
    const row = Math.floor(index / blocks);
    const zero = zeroPoints ? level(zeroPoints, row * zeroStride + (index % blocks)) : 2 ** (bits - 1);
    for (let at = start; at < end; at++) {
      values[at] = (level(data, index * blockSize + at - start) - zero) * scales[index]!;
    }
  });
  return values;
}

/** Calls back with the number of each block and the range of `values` it covers; the last block of a row may be short. */
function eachBlock(
  rows: number,
  columns: number,
  blockSize: number,
  visit: (index: number, start: number, end: number) => void,
): void {
  let index = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += blockSize) {
      visit(index++, row * columns + column, row * columns + Math.min(columns, column + blockSize));
    }
  }
}

/** The value of largest magnitude lands on the lowest level: one more level than on the other side. */
function symmetricScale(values: Float32Array, start: number, end: number, bits: number) {
  let extreme = 0;
  for (let at = start; at < end; at++) if (Math.abs(values[at]!) > Math.abs(extreme)) extreme = values[at]!;
  const zero = 2 ** (bits - 1);
  return { scale: extreme / -zero, zero };
}

/** All levels spread over the block's range, which includes 0. */
function rangeScale(values: Float32Array, start: number, end: number, bits: number) {
  let low = 0;
  let high = 0;
  for (let at = start; at < end; at++) {
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
  }
  const top = 2 ** bits - 1;
  const scale = (high - low) / top;
  return { scale, zero: scale === 0 ? 2 ** (bits - 1) : Math.min(top, Math.round(-low / scale)) };
}

function roundToHalf(values: Float32Array): void {
  const view = new DataView(toFloat16Bits(values).buffer);
  for (let index = 0; index < values.length; index++) values[index] = getFloat16(view, index * 2, true);
}

function packZeros(zeros: Uint8Array<ArrayBuffer>, rows: number, blocks: number, bits: 4 | 8): Uint8Array<ArrayBuffer> {
  if (bits === 8) return zeros;
  const stride = Math.ceil(blocks / 2);
  const packed = new Uint8Array(rows * stride);
  for (let index = 0; index < zeros.length; index++) {
    const block = index % blocks;
    packed[Math.floor(index / blocks) * stride + (block >> 1)]! |= zeros[index]! << ((block & 1) * 4);
  }
  return packed;
}
