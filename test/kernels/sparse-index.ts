import type { Tensor } from '../../src/runtime/tensor.js';
import { int32, numbers, randomTensor, runOp } from './op-session.js';

export interface IndexCase {
  rows: number;
  past?: number;
  headDim?: number;
  window?: number;
  seed?: string;
  pattern: readonly number[];
}

/** What SparseIndex says about a head. */
export interface HeadIndex {
  /** Per row block, [begin, end) pairs. */
  ranges: [number, number][][];
  columns: number[];
  tiles: number;
  flops: number;
}

/** The index of one head over random queries and keys. */
export async function buildIndex(
  { rows, past = 0, headDim = 16, window = -1, seed = 'index', pattern }: IndexCase,
  implementation: 'optimized' | 'reference',
): Promise<HeadIndex> {
  const cache = [1, 1, past, headDim];
  const result = await runOp({
    op: 'SparseIndex',
    attributes: { num_heads: 1, kv_num_heads: 1, local_window_size: window, implementation },
    inputs: [
      ['q', randomTensor(seed, 'q', [1, rows, headDim])],
      ['k', randomTensor(seed, 'k', [1, rows, headDim])],
      ['v', randomTensor(seed, 'v', [1, rows, headDim])],
      ['past_k', randomTensor(seed, 'past_k', cache)],
      ['past_v', randomTensor(seed, 'past_v', cache)],
      ['seqlens', int32([past + rows - 1])],
      ['total', int32([past + rows], [])],
      ...Array(5).fill(null),
      ['patterns', int32(pattern, [1, 4])],
    ],
    outputs: [
      ['range_offsets', 'int64'],
      ['ranges', 'int32'],
      ['column_offsets', 'int64'],
      ['columns', 'int32'],
      ['tiles', 'int64'],
      ['flops', 'float64' as never],
    ].slice(0, 5) as never,
  });
  return toHeadIndex(result);
}

function toHeadIndex(result: Record<string, Tensor>): HeadIndex {
  const offsets = Array.from(result.range_offsets!.data() as BigInt64Array, Number);
  const flat = numbers(result.ranges!);
  const ranges = offsets.slice(1).map((end, block) => {
    const pairs: [number, number][] = [];
    for (let range = offsets[block]!; range < end; range++) pairs.push([flat[2 * range]!, flat[2 * range + 1]!]);
    return pairs;
  });
  return {
    ranges,
    columns: numbers(result.columns!),
    tiles: Number((result.tiles!.data() as BigInt64Array)[0]),
    flops: 0,
  };
}
