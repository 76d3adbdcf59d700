import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/runtime/tensor.js';
import { attentionPorts, type CallShape } from './attention-ports.js';
import { int32, numbers, runOp } from './op-session.js';

const [FORCE, FIT_A, FIT_B] = [1, 2, 4];
const FIELDS = ['errorAll', 'errorLast', 'mass', 'tiles', 'flops', 'microseconds', 'a', 'b'] as const;
type Score = Record<(typeof FIELDS)[number], number>;
const GEOMETRY = { block_m: 64, block_n: 16, key_align: 16 };
const SHAPE = { rows: 420, heads: 4, kvHeads: 2, headDim: 32 };
const denseFlops = ({ rows, headDim }: typeof SHAPE) => 2 * headDim * rows * (rows + 1);

const attributes = (implementation: string) => ({
  num_heads: SHAPE.heads,
  kv_num_heads: SHAPE.kvHeads,
  implementation,
  ...GEOMETRY,
});

/** Scores [head][candidate] of AttentionProbe. */
async function probe(candidates: number[][], budget: number, implementation = 'optimized', shape: CallShape = SHAPE) {
  const results = await runOp({
    op: 'AttentionProbe',
    attributes: attributes(implementation),
    inputs: [
      ...attentionPorts(shape),
      ...Array<null>(5).fill(null),
      ['candidates', int32(candidates.flat(), [candidates.length, 4])],
      ['budget', Tensor.fromArray('float32', Float32Array.of(budget), [1])],
    ],
    outputs: [
      ['o', 'float32'],
      ['present_k', 'float32'],
      ['present_v', 'float32'],
      ['scores', 'float32'],
    ],
  });
  const flat = numbers(results.scores!);
  const scores = Array.from({ length: SHAPE.heads }, (_, head) =>
    candidates.map((_, candidate) => {
      const at = (head * candidates.length + candidate) * FIELDS.length;
      return Object.fromEntries(FIELDS.map((field, i) => [field, flat[at + i]!])) as Score;
    }),
  );
  return { scores, output: numbers(results.o!) };
}

/** Output and LSE of SparseAttention with one pattern per head. */
async function attend(patterns: number[][], shape: CallShape = SHAPE) {
  const { o, lse } = await runOp({
    op: 'SparseAttention',
    attributes: attributes('optimized'),
    inputs: [...attentionPorts(shape), ...Array<null>(5).fill(null), ['patterns', int32(patterns.flat(), [4, 4])]],
    outputs: [
      ['o', 'float32'],
      ['present_k', 'float32'],
      ['present_v', 'float32'],
      ['lse', 'float32'],
    ],
  });
  return { output: numbers(o!), lse: numbers(lse!) };
}

const CANDIDATES = [
  [1, 64, 100, FORCE],
  [2, 100, 120, FORCE],
  [3, 3, 0, FORCE],
  [1, 64, 10, FORCE | FIT_B],
  [2, 40, 64, FORCE | FIT_B],
  [2, 30, 100, FORCE | FIT_A],
  [2, 100, 50, FORCE | FIT_A | FIT_B],
  [3, 1, 0, FORCE | FIT_A],
];

test.each([0, 0.2, 2])('optimized scores equal the reference’s at a budget of %f of dense', async (share) => {
  const budget = share * denseFlops(SHAPE);
  const [optimized, reference] = [await probe(CANDIDATES, budget), await probe(CANDIDATES, budget, 'reference')];
  for (const [head, row] of reference.scores.entries()) {
    for (const [candidate, expected] of row.entries()) {
      const found = optimized.scores[head]![candidate]!;
      const what = `head ${head} candidate ${candidate}`;
      expect([found.tiles, found.a, found.b], what).toEqual([expected.tiles, expected.a, expected.b]);
      expect(found.flops / expected.flops, what).toBeCloseTo(1, 5);
      for (const field of ['errorAll', 'errorLast', 'mass'] as const) {
        expect(Math.abs(found[field] - expected[field]), `${what} ${field}`).toBeLessThan(2e-4);
      }
    }
  }
});

test('the outputs passed on are dense', async () => {
  const { output } = await probe(CANDIDATES, 1e6);
  const dense = await attend(Array(4).fill([0, 0, 0, 0]));
  expect(output).toEqual(dense.output);
});

test('scores are what the outputs of SparseAttention with the fitted sizes say', async () => {
  const { scores } = await probe(CANDIDATES, 0.3 * denseFlops(SHAPE));
  const dense = await attend(Array(4).fill([0, 0, 0, 0]));
  const { rows, heads, headDim } = SHAPE;
  for (const [candidate, [kind]] of CANDIDATES.entries()) {
    const fitted = scores.map((row) => [kind!, row[candidate]!.a, row[candidate]!.b, FORCE]);
    const sparse = await attend(fitted);
    for (let head = 0; head < heads; head++) {
      const error = (from: number) => {
        let [difference, norm] = [0, 0];
        for (let row = from; row < rows; row++) {
          for (let i = (row * heads + head) * headDim; i < (row * heads + head + 1) * headDim; i++) {
            difference += (sparse.output[i]! - dense.output[i]!) ** 2;
            norm += dense.output[i]! ** 2;
          }
        }
        return Math.sqrt(difference / norm);
      };
      let mass = 0;
      for (let i = head * rows; i < (head + 1) * rows; i++) mass += Math.exp(sparse.lse[i]! - dense.lse[i]!) / rows;
      const score = scores[head]![candidate]!;
      const what = `candidate ${candidate} head ${head}`;
      expect(score.errorAll, what).toBeCloseTo(error(0), 3);
      expect(score.errorLast, what).toBeCloseTo(error(rows - 64), 3);
      expect(score.mass, what).toBeCloseTo(mass, 3);
    }
  }
});

describe('fitting', () => {
  const fits = CANDIDATES.filter(([, , , flags]) => flags! & (FIT_A | FIT_B));

  test.each([0.1, 0.25, 0.6])('meets the budget, and one step more would not: %f of dense', async (share) => {
    const budget = share * denseFlops(SHAPE);
    const { scores } = await probe(fits, budget);
    for (const [head, row] of scores.entries()) {
      for (const [index, [kind, , , flags]] of fits.entries()) {
        const { a, b, flops } = row[index]!;
        const smallest = kind === 3 ? a === 1 : Math.min(flags! & FIT_A ? a : 1e9, flags! & FIT_B ? b : 1e9) < 50;
        if (!smallest) expect(flops, `head ${head}`).toBeLessThanOrEqual(budget);
        if (flags! === (FORCE | FIT_A | FIT_B)) continue; // both sizes move
        const step = kind === 3 ? 1 : 50;
        const next = [kind!, a + (flags! & FIT_A ? step : 0), b + (flags! & FIT_B ? step : 0), FORCE];
        const { scores: stepped } = await probe([next], budget);
        expect(stepped[head]![0]!.flops, `head ${head} ${next}`).toBeGreaterThan(budget);
      }
    }
  });

  test('keeps the sizes that have no flag', async () => {
    const { scores } = await probe(fits, 0.3 * denseFlops(SHAPE));
    for (const row of scores) {
      for (const [index, [kind, a, b, flags]] of fits.entries()) {
        if (!(flags! & FIT_A)) expect(row[index]!.a).toBe(a);
        if (!(flags! & FIT_B) && kind !== 3) expect(row[index]!.b).toBe(b);
      }
    }
  });
});

test('a candidate that covers everything loses nothing', async () => {
  const { scores } = await probe(
    [
      [0, 0, 0, FORCE],
      [1, 9000, 0, FORCE],
      [2, 0, 9000, FORCE],
      [3, 9000, 0, FORCE],
    ],
    0,
  );
  for (const score of scores.flat()) {
    expect(score.errorAll).toBeLessThan(1e-5);
    expect(score.errorLast).toBeLessThan(1e-5);
    expect(score.mass).toBeCloseTo(1, 5);
  }
});

test('a prompt shorter than 64 rows: the last rows are all rows', async () => {
  const { scores } = await probe(CANDIDATES.slice(0, 3), 0, 'optimized', { ...SHAPE, rows: 40 });
  for (const score of scores.flat()) expect(score.errorLast).toBeCloseTo(score.errorAll, 6);
});
