import { int32, numbers, randomTensor, runOp } from './op-session.js';

export interface IndexCase {
  rows: number;
  past?: number;
  headDim?: number;
  /** Local window; -1 = none. */
  window?: number;
  seed?: string;
  /** {kind, a, b, flags} */
  pattern: readonly number[];
}

/** What SparseIndex says about one head. */
export interface HeadIndex {
  /** Per block of 64 rows, [begin, end) pairs. */
  ranges: [number, number][][];
  columns: number[];
  tiles: number;
  flops: number;
}

/** The optimized kernel computes 64 rows × 16 keys at once and rounds ranges to 16 keys; the reference is told so. */
export const GEOMETRY = { block_m: 64, block_n: 16, key_align: 16 };

/** The index of one head over random queries and keys. */
export async function buildIndex(
  kase: IndexCase,
  implementation: 'optimized' | 'reference',
  geometry = GEOMETRY,
): Promise<HeadIndex> {
  const { rows, past = 0, headDim = 16, window = -1, seed = 'index', pattern } = kase;
  const cache = [1, 1, past, headDim];
  const results = await runOp({
    op: 'SparseIndex',
    attributes: { num_heads: 1, kv_num_heads: 1, local_window_size: window, implementation, ...geometry },
    inputs: [
      ['q', randomTensor(seed, 'q', [1, rows, headDim])],
      ['k', randomTensor(seed, 'k', [1, rows, headDim])],
      ['v', randomTensor(seed, 'v', [1, rows, headDim])],
      ['past_k', randomTensor(seed, 'past_k', cache)],
      ['past_v', randomTensor(seed, 'past_v', cache)],
      ['seqlens', int32([past + rows - 1])],
      ['total', int32([past + rows], [])],
      ...Array<null>(5).fill(null),
      ['patterns', int32(pattern, [1, 4])],
    ],
    outputs: [
      ['range_offsets', 'int64'],
      ['ranges', 'int32'],
      ['column_offsets', 'int64'],
      ['columns', 'int32'],
      ['tiles', 'int64'],
      ['flops', 'float64'],
    ],
  });
  const integers = (name: string) => Array.from(results[name]!.data() as BigInt64Array, Number);
  const flat = numbers(results.ranges!);
  const offsets = integers('range_offsets');
  return {
    ranges: offsets.slice(1).map((end, block) => {
      const begin = offsets[block]!;
      return Array.from({ length: end - begin }, (_, i) => [flat[2 * (begin + i)]!, flat[2 * (begin + i) + 1]!]);
    }),
    columns: numbers(results.columns!),
    tiles: integers('tiles')[0]!,
    flops: (results.flops!.data() as Float64Array)[0]!,
  };
}

/** Keys that a row block computes, before the causal mask of its rows. */
export function computedKeys(index: HeadIndex, block: number): Set<number> {
  const keys = new Set(index.columns);
  for (const [begin, end] of index.ranges[block]!) for (let key = begin; key < end; key++) keys.add(key);
  return keys;
}
