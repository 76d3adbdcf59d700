import { describe, expect, test } from 'vitest';
import { attentionPorts, type Call, patternedPorts } from './attention-ports.js';
import { numbers, runOp } from './op-session.js';
import { CALLS, call, headsOf } from './rival-calls.js';
import {
  flashPrefill,
  flexPrefill,
  flexWays,
  type Head,
  infLlm,
  ROW_BLOCK,
  rowsOf,
  topK,
  xAttention,
} from './rival-reference.js';

const FORCE = 1;

/** Keys of every row block of every head, as the op SparseIndex has them: before the causal mask of single rows. */
async function computed(kase: Call, row: number[], ports = attentionPorts(kase)): Promise<Set<number>[][]> {
  const out = await runOp({
    op: 'SparseIndex',
    attributes: { num_heads: kase.heads, kv_num_heads: kase.kvHeads },
    inputs: patternedPorts(ports, kase.heads, [row]),
    outputs: [
      ['range_offsets', 'int64'],
      ['ranges', 'int32'],
      ['column_offsets', 'int64'],
      ['columns', 'int32'],
      ['tiles', 'int64'],
      ['flops', 'float64'],
    ],
  });
  const offsets = (name: string) => Array.from(out[name]!.data() as BigInt64Array, Number);
  const [rangeOffsets, columnOffsets] = [offsets('range_offsets'), offsets('column_offsets')];
  const [ranges, columns] = [numbers(out.ranges!), numbers(out.columns!)];
  const blocks = Math.ceil(kase.rows / ROW_BLOCK);
  return Array.from({ length: kase.heads }, (_, head) =>
    Array.from({ length: blocks }, (_, block) => {
      const list = head * blocks + block;
      const ownColumns = columnOffsets.length === kase.heads * blocks + 1;
      const columnList = ownColumns ? list : head;
      const keys = new Set(columns.slice(columnOffsets[columnList]!, columnOffsets[columnList + 1]!));
      for (let i = rangeOffsets[list]!; i < rangeOffsets[list + 1]!; i++) {
        for (let key = ranges[2 * i]!; key < ranges[2 * i + 1]!; key++) keys.add(key);
      }
      return keys;
    }),
  );
}

const sorted = (keys: Iterable<number>) => [...keys].sort((a, b) => a - b);

/** As the kernel rounds them: runs of keys to multiples of 16, within what the block sees. */
function rounded(keys: Set<number>, isRange: (key: number) => boolean, end: number): number[] {
  const wanted = new Set<number>();
  for (const key of keys) {
    if (key >= end) continue;
    if (!isRange(key)) wanted.add(key);
    else for (let i = key - (key % 16); i < Math.min(end, key - (key % 16) + 16); i++) wanted.add(i);
  }
  return sorted(wanted);
}

async function expectKeys(
  kase: Call,
  row: number[],
  expected: (heads: Head[], head: number) => Set<number>[],
  columns = false,
) {
  const ports = attentionPorts(kase);
  const heads = headsOf(ports, kase);
  const found = await computed(kase, row, ports);
  for (const [h, blocks] of found.entries()) {
    const wanted = expected(heads, h);
    for (const [block, keys] of blocks.entries()) {
      const [first, end] = rowsOf(heads[h]!, block);
      const isRange = (key: number) => !columns || key >= first;
      expect(sorted(keys), `head ${h}, row block ${block}`).toEqual(rounded(wanted[block]!, isRange, end));
    }
  }
}

describe.each(CALLS)('$rows rows of $heads/$kvHeads heads after $past', (kase) => {
  test.each([[0], [64], [100], [400]])('top-k of %i', async (count) =>
    expectKeys(kase, [5, count, 0, FORCE], (heads, h) => topK(heads[h]!, count), true),
  );
  test.each([
    [0.5, 0],
    [0.9, 0],
    [0.95, 256],
    [0.9, 1024],
  ])('FlexPrefill, γ %d, budget %i', async (gamma, budget) =>
    expectKeys(kase, [6, gamma * 1e6, budget, FORCE], (heads, h) => flexPrefill(heads[h]!, gamma, budget)),
  );
  test.each([
    [0.9, 16],
    [0.5, 8],
    [0.2, 128],
    [0.7, 1],
  ])('XAttention, threshold %d, stride %i', async (threshold, stride) =>
    expectKeys(kase, [7, threshold * 1e6, stride, FORCE], (heads, h) => xAttention(heads[h]!, threshold, stride)),
  );
  test.each([[0.1], [0.7], [1]])('FlashPrefill, α %d', async (alpha) =>
    expectKeys(kase, [8, alpha * 1e6, 0, FORCE], (heads, h) => flashPrefill(heads[h]!, alpha)),
  );
  test.each([
    [0, 64],
    [2, 100],
    [3, 300],
  ])('InfLLM, %i blocks, window %i', async (blocks, local) =>
    expectKeys(kase, [9, blocks, local, FORCE], (heads) => infLlm(heads, blocks, local)),
  );
});

test('both ways of FlexPrefill were met', () => {
  expect(Math.min(flexWays.queryAware, flexWays.verticalSlash)).toBeGreaterThan(0);
});

test('heads with all kinds beside each other equal the heads by themselves', async () => {
  const kase = call(700, 100, { heads: 8, kvHeads: 2 });
  const rows = [
    [5, 100, 0, FORCE],
    [1, 20, 64, FORCE],
    [6, 900_000, 128, FORCE],
    [0, 0, 0, FORCE],
    [7, 800_000, 16, FORCE],
    [8, 500_000, 0, FORCE],
    [2, 40, 120, FORCE],
    [9, 2, 100, FORCE],
  ];
  const attend = async (patterns: number[][]) => {
    const { o } = await runOp({
      op: 'SparseAttention',
      attributes: { num_heads: 8, kv_num_heads: 2 },
      inputs: patternedPorts(attentionPorts(kase), 8, patterns),
      outputs: [
        ['o', 'float32'],
        ['present_k', 'float32'],
        ['present_v', 'float32'],
      ],
    });
    return o!.data() as Float32Array;
  };
  const mixed = await attend(rows);
  for (const head of rows.keys()) {
    const alone = await attend(rows.map((row, h) => (h === head ? row : [0, 0, 0, FORCE])));
    for (let row = 0; row < kase.rows; row++) {
      const at = (row * 8 + head) * kase.headDim;
      expect(mixed.slice(at, at + kase.headDim)).toEqual(alone.slice(at, at + kase.headDim));
    }
  }
});

test.each([
  [[7, 900_000, 3, 0], 'expected a stride of xattention that divides 128, found 3'],
  [[7, 900_000, 0, 0], 'expected a stride of xattention that divides 128, found 0'],
  [[6, 1_000_001, 0, 0], 'expected a share of at most 1,000,000 millionths, found 1000001'],
])('%j is refused', async (row, text) => {
  await expect(computed(call(70), row)).rejects.toMatchObject({ message: expect.stringContaining(text) });
});
