import { Tensor } from '../../src/runtime/tensor.js';
import type { Ports } from './attention-ports.js';
import { int32, numbers } from './op-session.js';

/** Keys of each row block of 64 rows: ranges [begin, end), and columns of its own. */
export type BlockKeys = { ranges: [number, number][]; columns: number[] }[];

const int64 = (values: readonly number[]) =>
  Tensor.fromArray('int64', BigInt64Array.from(values, BigInt), [values.length]);

/** Inputs 13 to 16: indices one after the other, whose columns are each row block's own. */
export function indexPorts(indices: readonly BlockKeys[]): Ports {
  const ranges: number[] = [];
  const columns: number[] = [];
  const rangeOffsets = [0];
  const columnOffsets = [0];
  for (const block of indices.flat()) {
    ranges.push(...block.ranges.flat());
    columns.push(...block.columns);
    rangeOffsets.push(ranges.length / 2);
    columnOffsets.push(columns.length);
  }
  return [
    ['given_range_offsets', int64(rangeOffsets)],
    ['given_ranges', int32(ranges, [ranges.length / 2, 2])],
    ['given_column_offsets', int64(columnOffsets)],
    ['given_columns', int32(columns)],
  ];
}

/** Softmax over the keys that `keysOf` names, head by head and row by row in double precision: [rows, heads, headDim]. */
export function attendTo(
  ports: Ports,
  shape: { rows: number; past: number; heads: number; kvHeads: number; headDim: number },
  keysOf: (head: number, row: number) => readonly number[],
): number[] {
  const { rows, past, heads, kvHeads, headDim } = shape;
  const [q, k, v, pastK, pastV] = ports.slice(0, 5).map((port) => numbers(port![1])) as number[][];
  const output: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const kv = Math.floor(head / (heads / kvHeads));
      const at = (now: number[], before: number[], key: number, i: number) =>
        key < past ? before[(kv * past + key) * headDim + i]! : now[((key - past) * kvHeads + kv) * headDim + i]!;
      const keys = keysOf(head, row);
      const scores = keys.map((key) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q![(row * heads + head) * headDim + i]! * at(k!, pastK!, key, i);
        return dot / Math.sqrt(headDim);
      });
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const sum = weights.reduce((a, b) => a + b, 0) || 1;
      for (let i = 0; i < headDim; i++) {
        output.push(keys.reduce((total, key, j) => total + weights[j]! * at(v!, pastV!, key, i), 0) / sum);
      }
    }
  }
  return output;
}
