import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attentionPorts } from './attention-ports.js';
import { int32, numbers, runOp } from './op-session.js';
import { buildIndex, computedKeys } from './sparse-index.js';

const FORCE = 1;
const HEAD_DIM = 16;
const BLOCK = 64;

/** Softmax over exactly the given keys per row, in double precision: what the op must compute. */
function attend(
  ports: ReturnType<typeof attentionPorts>,
  past: number,
  rows: number,
  keysOf: (row: number) => number[],
) {
  const [q, k, v, pastK, pastV] = ports.map((port) => numbers(port![1]));
  const element = (now: number[], before: number[], key: number, i: number) =>
    key < past ? before[key * HEAD_DIM + i]! : now[(key - past) * HEAD_DIM + i]!;
  const output: number[] = [];
  for (let row = 0; row < rows; row++) {
    const keys = keysOf(row);
    const scores = keys.map((key) => {
      let dot = 0;
      for (let i = 0; i < HEAD_DIM; i++) dot += q![row * HEAD_DIM + i]! * element(k!, pastK!, key, i);
      return dot / Math.sqrt(HEAD_DIM);
    });
    const top = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - top));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < HEAD_DIM; i++) {
      output.push(keys.reduce((total, key, at) => total + weights[at]! * element(v!, pastV!, key, i), 0) / (sum || 1));
    }
  }
  return output;
}

async function runHead(ports: ReturnType<typeof attentionPorts>, pattern: readonly number[]): Promise<number[]> {
  const { o } = await runOp({
    op: 'SparseAttention',
    attributes: { num_heads: 1, kv_num_heads: 1 },
    inputs: [...ports, ...Array<null>(5).fill(null), ['patterns', int32(pattern, [1, 4])]],
    outputs: [
      ['o', 'float32'],
      ['present_k', 'float32'],
      ['present_v', 'float32'],
    ],
  });
  return numbers(o!);
}

const size = fc.integer({ min: 0, max: 140 });
const pattern = fc.oneof(
  fc.tuple(size, size).map(([sink, window]) => [1, sink, window, FORCE]),
  fc.tuple(size, size).map(([columns, diagonals]) => [2, columns, diagonals, FORCE]),
  fc.integer({ min: 0, max: 4 }).map((blocks) => [3, blocks, 0, FORCE]),
);

test('the output is softmax over the keys of the index, and over no others', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 150 }),
      fc.integer({ min: 0, max: 90 }),
      fc.string({ minLength: 1, maxLength: 3 }),
      pattern,
      async (rows, past, seed, chosen) => {
        const ports = attentionPorts({ rows, past, heads: 1, kvHeads: 1, headDim: HEAD_DIM, seed });
        const index = await buildIndex({ rows, past, headDim: HEAD_DIM, seed, pattern: chosen }, 'optimized');
        const keys = index.ranges.map((_, block) => [...computedKeys(index, block)]);
        const expected = attend(ports, past, rows, (row) =>
          keys[Math.floor(row / BLOCK)]!.filter((key) => key <= past + row),
        );
        const found = await runHead(ports, chosen);
        for (const [i, value] of expected.entries())
          expect(Math.abs(found[i]! - value), `element ${i}`).toBeLessThan(1e-4);
      },
    ),
    { numRuns: 40 },
  ));

/** Keys that the definition of the patterns asks for, whatever tiles add: by row, at absolute positions. */
function required(kind: number, a: number, b: number, position: number, column: number[], diagonals: number[]) {
  if (kind === 1) return (key: number) => key < a || position - key < b;
  return (key: number) => column.includes(key) || diagonals.includes(position - key);
}

const missing = (row: number, needs: (key: number) => boolean, computed: ReadonlySet<number>) =>
  Array.from({ length: row + 1 }, (_, key) => key).filter((key) => needs(key) && !computed.has(key));

test('an A-shape row computes the sink and the window', () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), size, size, async (rows, sink, window) => {
      const index = await buildIndex({ rows, pattern: [1, sink, window, FORCE] }, 'optimized');
      for (let row = 0; row < rows; row++) {
        const computed = computedKeys(index, Math.floor(row / BLOCK));
        const needs = required(1, sink, window, row, [], []);
        expect(missing(row, needs, computed), `row ${row}`).toEqual([]);
      }
    }),
    { numRuns: 30 },
  ));

/** Sums of the last 64 rows' probabilities by column and by distance, in double precision (paper, Algorithm 2). */
function estimate(ports: ReturnType<typeof attentionPorts>, rows: number) {
  const [q, k] = ports.map((port) => numbers(port![1]));
  const columns = new Float64Array(rows);
  const diagonals = new Float64Array(rows);
  for (let row = Math.max(0, rows - 64); row < rows; row++) {
    const scores = Array.from({ length: row + 1 }, (_, key) => {
      let dot = 0;
      for (let i = 0; i < HEAD_DIM; i++) dot += q![row * HEAD_DIM + i]! * k![key * HEAD_DIM + i]!;
      return dot / Math.sqrt(HEAD_DIM);
    });
    const top = Math.max(...scores);
    const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
    for (const [key, score] of scores.entries()) {
      columns[key]! += Math.exp(score - top) / sum;
      diagonals[row - key]! += Math.exp(score - top) / sum;
    }
  }
  return { columns, diagonals };
}

/** The `forced` first ones, then those with the largest sums. */
function best(sums: Float64Array, count: number, forced: number): number[] {
  const order = Array.from(sums.keys()).toSorted((x, y) => {
    const [first, second] = [x < forced, y < forced];
    if (first || second) return first && second ? x - y : first ? -1 : 1;
    return sums[y]! - sums[x]! || x - y;
  });
  return order.slice(0, count);
}

test('vertical-slash computes the best columns and diagonals of the last 64 rows', async () => {
  const rows = 400;
  for (const [columns, diagonals] of [
    [50, 120],
    [5, 3],
    [200, 0],
    [0, 200],
  ] as const) {
    const seed = `${columns}/${diagonals}`;
    const ports = attentionPorts({ rows, heads: 1, kvHeads: 1, headDim: HEAD_DIM, seed });
    const sums = estimate(ports, rows);
    const [chosen, distances] = [best(sums.columns, columns, 30), best(sums.diagonals, diagonals, 100)];
    const index = await buildIndex(
      { rows, seed, headDim: HEAD_DIM, pattern: [2, columns, diagonals, FORCE] },
      'optimized',
    );
    expect(index.columns).toEqual(chosen.toSorted((x, y) => x - y));
    for (let row = 0; row < rows; row++) {
      const computed = computedKeys(index, Math.floor(row / BLOCK));
      const needs = required(2, columns, diagonals, row, chosen, distances);
      expect(missing(row, needs, computed), `row ${row}`).toEqual([]);
    }
  }
});

test('block-sparse computes the best key blocks of pooled queries and keys', async () => {
  const [rows, keep, seed] = [640, 4, 'blocks'];
  const [q, k] = attentionPorts({ rows, heads: 1, kvHeads: 1, headDim: HEAD_DIM, seed }).map((port) =>
    numbers(port![1]),
  );
  const pool = (values: number[], block: number) =>
    Array.from({ length: HEAD_DIM }, (_, i) => {
      let sum = 0;
      for (let row = block * BLOCK; row < (block + 1) * BLOCK; row++) sum += values[row * HEAD_DIM + i]!;
      return sum / BLOCK;
    });
  const index = await buildIndex({ rows, seed, headDim: HEAD_DIM, pattern: [3, keep, 0, FORCE] }, 'optimized');
  for (const [block] of index.ranges.entries()) {
    const query = pool(q!, block);
    const scores = Array.from({ length: block + 1 }, (_, other) =>
      pool(k!, other).reduce((dot, value, i) => dot + value * query[i]!, 0),
    );
    const order = [...scores.keys()].toSorted(
      (x, y) => (y === block ? 1 : 0) - (x === block ? 1 : 0) || scores[y]! - scores[x]!,
    );
    const expected = new Set(
      order.slice(0, keep).flatMap((other) => Array.from({ length: BLOCK }, (_, i) => other * BLOCK + i)),
    );
    expect(computedKeys(index, block)).toEqual(expected);
  }
});
