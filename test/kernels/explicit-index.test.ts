import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/runtime/tensor.js';
import { attentionPorts, type Call, OUTPUTS_WITH_INDICES, type Ports, patternedPorts } from './attention-ports.js';
import { expectClose } from './expect-close.js';
import { attendTo, type BlockKeys, indexPorts } from './explicit-index.js';
import { int32, numbers, runOp } from './op-session.js';

const [EXPLICIT, FORCE] = [4, 1];
const BLOCK = 64;

type Implementation = 'optimized' | 'reference';

const attributes = ({ heads, kvHeads }: Call, implementation: Implementation) => ({
  num_heads: heads,
  kv_num_heads: kvHeads,
  implementation,
});

async function attend(
  call: Call,
  rows: number[][],
  index: Ports,
  implementation: Implementation,
): Promise<Float32Array> {
  const { o } = await runOp({
    op: 'SparseAttention',
    attributes: attributes(call, implementation),
    inputs: [...patternedPorts(attentionPorts(call), call.heads, rows), ...index],
    outputs: [
      ['o', 'float32'],
      ['present_k', 'float32'],
      ['present_v', 'float32'],
    ],
  });
  return o!.data() as Float32Array;
}

/** What the op SparseIndex says about all heads. */
function buildIndices(call: Call, rows: number[][], index: Ports = []): Promise<Record<string, Tensor>> {
  return runOp({
    op: 'SparseIndex',
    attributes: attributes(call, 'optimized'),
    inputs: [...patternedPorts(attentionPorts(call), call.heads, rows), ...index],
    outputs: [
      ['range_offsets', 'int64'],
      ['ranges', 'int32'],
      ['column_offsets', 'int64'],
      ['columns', 'int32'],
      ['tiles', 'int64'],
      ['flops', 'float64'],
    ],
  });
}

const asPorts = (index: Record<string, Tensor>): Ports =>
  ['range_offsets', 'ranges', 'column_offsets', 'columns'].map((name) => [`given_${name}`, index[name]!] as const);

/** Disjoint ascending ranges and columns below `total`, both of any number. */
const someKeys = (total: number) =>
  fc.record({
    cuts: fc.uniqueArray(fc.integer({ min: 0, max: total }), { maxLength: 8 }),
    columns: fc.uniqueArray(fc.integer({ min: 0, max: total - 1 }), { maxLength: 40 }),
  });
const ascending = (values: number[]) => [...values].sort((a, b) => a - b);

const anyCall = fc
  .record({
    rows: fc.integer({ min: 16, max: 300 }),
    past: fc.integer({ min: 0, max: 150 }),
    kvHeads: fc.constantFrom(1, 2),
    group: fc.constantFrom(1, 2),
    seed: fc.string({ minLength: 1, maxLength: 3 }),
  })
  .chain(({ group, ...shape }) => {
    const call: Call = { ...shape, heads: shape.kvHeads * group, headDim: 16 };
    const index = fc
      .array(someKeys(call.rows + call.past), {
        minLength: Math.ceil(call.rows / BLOCK),
        maxLength: Math.ceil(call.rows / BLOCK),
      })
      .map(
        (blocks): BlockKeys =>
          blocks.map(({ cuts, columns }) => {
            const [sorted, ranges] = [ascending(cuts), [] as [number, number][]];
            for (let i = 0; i + 1 < sorted.length; i += 2) ranges.push([sorted[i]!, sorted[i + 1]!]);
            return { ranges, columns: ascending(columns) };
          }),
      );
    return fc.record({ call: fc.constant(call), indices: fc.array(index, { minLength: 1, maxLength: 2 }) });
  });

/** Keys of a row: the block's own, ranges rounded outward to 16 keys, and columns. */
function keysOf(index: BlockKeys, { rows, past }: Call, row: number): number[] {
  const block = Math.floor(row / BLOCK);
  const end = past + Math.min(rows, (block + 1) * BLOCK);
  const keys = new Set(index[block]!.columns);
  for (const [begin, stop] of index[block]!.ranges) {
    const last = Math.min(stop, end);
    if (begin >= last) continue;
    for (let key = Math.floor(begin / 16) * 16; key < Math.ceil(last / 16) * 16; key++) keys.add(key);
  }
  return ascending([...keys].filter((key) => key <= past + row));
}

describe.each(['optimized', 'reference'] as const)('%s', (implementation) => {
  test('computes the given keys that each row sees, and no others', () =>
    fc.assert(
      fc.asyncProperty(anyCall, async ({ call, indices }) => {
        // Heads take the indices in turns; the second is dense beside them.
        const rows = Array.from({ length: call.heads }, (_, head) =>
          head === 1 ? [0, 0, 0, FORCE] : [EXPLICIT, head % indices.length, 0, FORCE],
        );
        const expected = attendTo(attentionPorts(call), call, (head, row) =>
          head === 1
            ? Array.from({ length: call.past + row + 1 }, (_, key) => key)
            : keysOf(indices[head % indices.length]!, call, row),
        );
        expectClose(await attend(call, rows, indexPorts(indices), implementation), Float32Array.from(expected));
      }),
      { numRuns: 40 },
    ));

  test('the index that a pattern builds, given back, computes the same', async () => {
    const patterns = [
      [0, 0, 0, FORCE],
      [1, 20, 70, FORCE],
      [2, 60, 130, FORCE],
      [3, 3, 0, FORCE],
    ];
    for (const [rows, past] of [
      [330, 0],
      [65, 131],
      [17, 400],
    ] as const) {
      const call: Call = { rows, past, heads: 4, kvHeads: 2, headDim: 32, seed: 'given' };
      const built = asPorts(await buildIndices(call, patterns));
      const given = patterns.map((_, head) => [EXPLICIT, head, 0, FORCE]);
      expectClose(await attend(call, given, built, implementation), await attend(call, patterns, [], implementation));
    }
  });
});

test('an index comes out of SparseIndex as it went in, but for rounding and clipping', async () => {
  const call: Call = { rows: 100, past: 30, heads: 2, kvHeads: 1, headDim: 16, seed: 'through' };
  const blocks: BlockKeys = [
    {
      ranges: [
        [3, 20],
        [20, 40],
      ],
      columns: [0, 64, 120],
    },
    { ranges: [[100, 130]], columns: [1] },
  ];
  const out = await buildIndices(call, [[EXPLICIT, 0, 0, FORCE]], indexPorts([blocks]));
  expect(numbers(out.ranges!)).toEqual([0, 48, 96, 130, 0, 48, 96, 130]);
  expect(numbers(out.columns!)).toEqual([0, 64, 120, 1, 0, 64, 120, 1]);
  expect(Array.from(out.column_offsets!.data() as BigInt64Array, Number)).toEqual([0, 3, 4, 7, 8]);
  // Of 16 keys: three and a column (120 is not seen, 0 is in a range); three and a column.
  expect(Array.from(out.tiles!.data() as BigInt64Array, Number)).toEqual([8, 8]);
});

test('heads may ask SparseAttention for the indices that SparseIndex builds', async () => {
  const call: Call = { rows: 200, past: 40, heads: 2, kvHeads: 1, headDim: 16, seed: 'asked' };
  const give = 8;
  const names = ['range_offsets', 'ranges', 'column_offsets', 'columns'];
  const ask = async (rows: number[][]) => {
    const results = await runOp({
      op: 'SparseAttention',
      attributes: attributes(call, 'optimized'),
      inputs: patternedPorts(attentionPorts(call), 2, rows),
      outputs: OUTPUTS_WITH_INDICES,
    });
    return names.map((name) => Array.from(results[name]!.data() as ArrayLike<number>, Number));
  };
  // One head that has no columns, and one whose row blocks have columns of their own.
  const rows = [
    [3, 2, 0, FORCE],
    [5, 80, 0, FORCE],
  ];
  const built = await buildIndices(call, rows);
  const expected = names.map((name) => Array.from(built[name]!.data() as ArrayLike<number>, Number));
  expect(await ask([[3, 2, 0, FORCE | give], rows[1]!])).toEqual(expected);
  expect(await ask(rows)).toEqual([[0], [], [0], []]);
});

test('heads fall back to dense where that costs no more, unless told otherwise', async () => {
  const call: Call = { rows: 128, past: 0, heads: 1, kvHeads: 1, headDim: 16, seed: 'fallback' };
  const all: BlockKeys = [0, 1].map(() => ({ ranges: [[1, 128]], columns: [] }));
  const few: BlockKeys = [0, 1].map(() => ({ ranges: [], columns: [0] }));
  const dense = await attend(call, [[0, 0, 0, 0]], [], 'optimized');
  expect(await attend(call, [[EXPLICIT, 0, 0, 0]], indexPorts([all]), 'optimized')).toEqual(dense);
  expect(await attend(call, [[EXPLICIT, 0, 0, 0]], indexPorts([few]), 'optimized')).not.toEqual(dense);
});

describe('what cannot be an index is refused with head, row block and value', () => {
  const call: Call = { rows: 100, past: 0, heads: 2, kvHeads: 1, headDim: 16, seed: 'bad' };
  const good: BlockKeys = [
    { ranges: [[0, 64]], columns: [] },
    { ranges: [[0, 100]], columns: [] },
  ];
  const second = (block: Partial<BlockKeys[number]>): BlockKeys => [good[0]!, { ...good[1]!, ...block }];
  const of = 'explicit index of head 1, row block 1: expected';
  test.each<[string, BlockKeys, string]>([
    [
      'beyond the context',
      second({ ranges: [[0, 101]] }),
      `${of} ascending key ranges within [0, 100), found [0, 101)`,
    ],
    [
      'overlapping',
      second({
        ranges: [
          [0, 9],
          [8, 20],
        ],
      }),
      `${of} ascending key ranges within [9, 100), found [8, 20)`,
    ],
    ['empty', second({ ranges: [[5, 5]] }), `${of} ascending key ranges within [0, 100), found [5, 5)`],
    ['negative', second({ ranges: [[-1, 5]] }), `${of} ascending key ranges within [0, 100), found [-1, 5)`],
    ['a column twice', second({ columns: [7, 7] }), `${of} ascending columns from 8 to 99, found 7`],
    ['a column beyond', second({ columns: [100] }), `${of} ascending columns from 0 to 99, found 100`],
  ])('%s', async (_, bad, text) => {
    const rows = [
      [EXPLICIT, 0, 0, 0],
      [EXPLICIT, 1, 0, 0],
    ];
    await expect(attend(call, rows, indexPorts([good, bad]), 'optimized')).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining(text),
    });
  });

  test.each<[string, number[][], Ports, string]>([
    [
      'no such index',
      [[EXPLICIT, 1, 0, 0]],
      indexPorts([good]),
      'expected one of the 1 explicit indices for head 0, found number 1',
    ],
    ['none at all', [[EXPLICIT, 0, 0, 0]], [], 'expected one of the 0 explicit indices for head 0, found number 0'],
    [
      'too few row blocks',
      [[EXPLICIT, 0, 0, 0]],
      indexPorts([[good[0]!]]),
      'expected range_offsets of a multiple of 2 row blocks, found those of 1',
    ],
    [
      'offsets that descend',
      [[EXPLICIT, 0, 0, 0]],
      indexPorts([good])
        .with(0, ['given_range_offsets', indexPorts([[good[1]!, good[0]!]])[0]![1]])
        .with(1, ['given_ranges', int32([0, 64], [1, 2])]),
      'expected range_offsets ascending from 0 to 1, found 2 after 1',
    ],
    [
      'ranges of three',
      [[EXPLICIT, 0, 0, 0]],
      indexPorts([good]).with(1, ['given_ranges', int32([0, 1, 2], [1, 3])]),
      'expected ranges of shape [ranges, 2], found [1, 3]',
    ],
    [
      'offsets without columns',
      [[EXPLICIT, 0, 0, 0]],
      indexPorts([good]).with(3, null),
      'expected input columns, found none',
    ],
  ])('%s', async (_, rows, index, text) => {
    await expect(attend(call, rows, index, 'optimized')).rejects.toMatchObject({
      message: expect.stringContaining(text),
    });
  });
});
