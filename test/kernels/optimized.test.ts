import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simdLevel } from '../../src/runtime/native.js';
import { type AttentionCase, runAttention } from './attention-case.js';
import { expectClose } from './expect-close.js';

const FORCE = 1;
const dense = [0, 0, 0, FORCE];
const aShape = (sink: number, window: number) => [1, sink, window, FORCE];
const verticalSlash = (columns: number, diagonals: number) => [2, columns, diagonals, FORCE];
const blockSparse = (blocks: number) => [3, blocks, 0, FORCE];
/** One head of each kind. */
const mixed = [dense, aShape(16, 70), verticalSlash(40, 120), blockSparse(3)];

async function expectSame(kase: AttentionCase): Promise<void> {
  const [optimized, reference] = [await runAttention(kase, 'optimized'), await runAttention(kase, 'reference')];
  expectClose(optimized.output, reference.output);
  expectClose(optimized.lse, reference.lse);
  expectClose(optimized.presentKey, reference.presentKey);
}

test('the instruction set asked for is in use', () => {
  const asked = process.env.MINFERENCE_SIMD;
  expect(asked ? [asked] : ['generic', 'avx2', 'avx512']).toContain(simdLevel());
});

describe('optimized equals reference', () => {
  test.each([1, 2, 15, 63, 64, 65, 129, 592])('all kinds mixed, %i rows', (rows) =>
    expectSame({ rows, patterns: mixed }),
  );
  test('all kinds mixed, 1,521 rows', () => expectSame({ rows: 1521, patterns: mixed }));

  test.each([
    [4, 4],
    [4, 1],
    [8, 2],
    [8, 1],
  ])('%i heads over %i KV heads', (heads, kvHeads) => expectSame({ rows: 200, heads, kvHeads, patterns: mixed }));

  test.each([
    [1, 300],
    [5, 200],
    [64, 64],
    [100, 33],
    [130, 500],
  ])('%i rows after a past of %i', (rows, past) => expectSame({ rows, past, patterns: mixed }));

  test.each([16, 40, 64, 80, 96, 128, 256])('head_dim %i', (headDim) =>
    expectSame({ rows: 150, headDim, patterns: mixed }),
  );

  test.each([
    ['vertical-slash 0, 0', verticalSlash(0, 0)],
    ['vertical-slash 0, 1', verticalSlash(0, 1)],
    ['vertical-slash 1, 0', verticalSlash(1, 0)],
    ['vertical-slash with forced columns only', verticalSlash(30, 100)],
    ['A-shape 0, 0', aShape(0, 0)],
    ['A-shape 0, 1', aShape(0, 1)],
    ['A-shape beyond the context', aShape(9000, 9000)],
    ['block-sparse 0', blockSparse(0)],
    ['block-sparse 1', blockSparse(1)],
    ['block-sparse beyond the context', blockSparse(9000)],
  ])('%s', (_, pattern) => expectSame({ rows: 333, patterns: [pattern] }));

  test('batch entries of different lengths', () =>
    expectSame({ rows: 150, lengths: [150, 1, 64, 99], patterns: mixed }));
  test('softcap', () => expectSame({ rows: 150, patterns: mixed, attributes: { softcap: { float: 5 } } }));
  test('scale', () => expectSame({ rows: 150, patterns: mixed, attributes: { scale: { float: 0.3 } } }));
  test('sliding window', () => expectSame({ rows: 300, patterns: mixed, attributes: { local_window_size: 50 } }));
  test('attention sinks', () => expectSame({ rows: 150, patterns: mixed, sinks: [0, -3, 2, 10] }));

  test('any shape and pattern', async () => {
    const size = fc.integer({ min: 0, max: 250 });
    const pattern = fc.oneof(
      fc.tuple(size, size).map(([a, b]) => aShape(a, b)),
      fc.tuple(size, size).map(([a, b]) => verticalSlash(a, b)),
      fc.integer({ min: 0, max: 6 }).map(blockSparse),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 260 }),
        fc.integer({ min: 0, max: 150 }),
        fc.array(pattern, { minLength: 4, maxLength: 4 }),
        fc.string({ minLength: 1, maxLength: 4 }),
        (rows, past, patterns, seed) => expectSame({ rows, past, patterns, seed }),
      ),
      { numRuns: 40 },
    );
  });
});

describe('laws', () => {
  test('a full budget is dense', async () => {
    const full = await runAttention(
      { rows: 300, patterns: [aShape(300, 300), verticalSlash(300, 300), blockSparse(5), dense] },
      'optimized',
    );
    const all = await runAttention({ rows: 300, patterns: [dense] }, 'optimized');
    expectClose(full.output, all.output);
    expectClose(full.lse, all.lse);
  });

  test('every run gives the same bits', async () => {
    const first = await runAttention({ rows: 500, patterns: mixed }, 'optimized');
    const second = await runAttention({ rows: 500, patterns: mixed }, 'optimized');
    expect(second.output).toEqual(first.output);
  });

  test('rows are averages of values: no row leaves their range', async () => {
    const { output } = await runAttention({ rows: 400, patterns: mixed }, 'optimized');
    for (const value of output) expect(Math.abs(value)).toBeLessThanOrEqual(2 + 1e-5);
  });

  test('a sparse pattern keeps at most the mass of dense', async () => {
    const sparse = await runAttention({ rows: 400, patterns: mixed }, 'optimized');
    const all = await runAttention({ rows: 400, patterns: [dense] }, 'optimized');
    for (const [i, lse] of sparse.lse.entries()) expect(lse).toBeLessThanOrEqual(all.lse[i]! + 1e-4);
  });
});
