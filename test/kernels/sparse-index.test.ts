import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildIndex, computedKeys, GEOMETRY, type HeadIndex, type IndexCase } from './sparse-index.js';

const FORCE = 1;
const size = fc.integer({ min: 0, max: 260 });
const pattern = fc.oneof(
  fc.tuple(size, size).map(([sink, window]) => [1, sink, window, FORCE]),
  fc.tuple(size, size).map(([columns, diagonals]) => [2, columns, diagonals, FORCE]),
  fc.integer({ min: 0, max: 7 }).map((blocks) => [3, blocks, 0, FORCE]),
);
const anyCase = fc.record({
  rows: fc.integer({ min: 1, max: 300 }),
  past: fc.integer({ min: 0, max: 200 }),
  window: fc.constantFrom(-1, -1, -1, 1, 40, 100),
  seed: fc.string({ minLength: 1, maxLength: 3 }),
  pattern,
});
const check = (law: (kase: Required<Omit<IndexCase, 'headDim'>>) => Promise<void>) =>
  fc.assert(fc.asyncProperty(anyCase, law), { numRuns: 60 });

/** First and last position of a row block. */
function span({ rows, past }: { rows: number; past: number }, block: number): [number, number] {
  return [past + block * GEOMETRY.block_m, past + Math.min(rows, (block + 1) * GEOMETRY.block_m) - 1];
}

/** First key that a row at `position` sees. */
const lowest = ({ window }: { window: number }, position: number) =>
  window < 0 ? 0 : Math.max(0, position - window + 1);

/** Tiles from ranges and columns alone: ceil(length / block_n) per range, and per row block's own columns. */
function countTiles(index: HeadIndex, kase: { rows: number; past: number; window: number }): number {
  const tiles = (keys: number) => Math.ceil(keys / GEOMETRY.block_n);
  let total = 0;
  for (const [block, ranges] of index.ranges.entries()) {
    const [first, last] = span(kase, block);
    const low = lowest(kase, first);
    const own = index.columns.filter(
      (column) => column <= last && column >= low && !ranges.some(([begin, end]) => column >= begin && column < end),
    );
    total += ranges.reduce((sum, [begin, end]) => sum + tiles(end - begin), 0) + tiles(own.length);
  }
  return total;
}

describe.each(['optimized', 'reference'] as const)('%s index', (implementation) => {
  test('ranges are sorted, apart, and end where the block does', () =>
    check(async (kase) => {
      const index = await buildIndex(kase, implementation);
      expect(index.ranges).toHaveLength(Math.ceil(kase.rows / GEOMETRY.block_m));
      for (const [block, ranges] of index.ranges.entries()) {
        const [, last] = span(kase, block);
        let previous = -1;
        for (const [begin, end] of ranges) {
          expect(begin).toBeGreaterThan(previous);
          expect(end).toBeGreaterThan(begin);
          previous = end;
        }
        expect(previous).toBeLessThanOrEqual(last + 1);
      }
    }));

  test('columns ascend, once each, within the context', () =>
    check(async (kase) => {
      const { columns } = await buildIndex(kase, implementation);
      expect(columns).toEqual([...new Set(columns)].toSorted((a, b) => a - b));
      expect(columns.every((column) => column >= 0 && column < kase.past + kase.rows)).toBe(true);
      expect(columns.length).toBeLessThanOrEqual(kase.pattern[0] === 2 ? kase.pattern[1]! : 0);
    }));

  test('tiles are what ranges and columns add up to', () =>
    check(async (kase) => {
      const index = await buildIndex(kase, implementation);
      expect(index.tiles).toBe(countTiles(index, kase));
    }));

  test('every row sees itself when the pattern has room for it', () =>
    check(async (kase) => {
      const [kind, a, b] = kase.pattern;
      fc.pre((kind === 3 ? a : b) !== 0);
      const index = await buildIndex(kase, implementation);
      for (let row = 0; row < kase.rows; row++) {
        expect(computedKeys(index, Math.floor(row / GEOMETRY.block_m)).has(kase.past + row)).toBe(true);
      }
    }));
});

test('the optimized index is the reference index', () =>
  check(async (kase) => {
    const [optimized, reference] = [await buildIndex(kase, 'optimized'), await buildIndex(kase, 'reference')];
    expect(optimized).toEqual({ ...reference, flops: expect.closeTo(reference.flops, -1) });
  }));

test('a larger budget keeps what a smaller one had', () =>
  fc.assert(
    fc.asyncProperty(anyCase, fc.integer({ min: 1, max: 90 }), async (kase, more) => {
      const [kind, a, b] = kase.pattern as [number, number, number];
      const larger = kind === 3 ? [3, a + 1, 0, FORCE] : [kind, a + more, b + more, FORCE];
      const [small, large] = [
        await buildIndex(kase, 'optimized'),
        await buildIndex({ ...kase, pattern: larger }, 'optimized'),
      ];
      for (const [block] of small.ranges.entries()) {
        const [first, last] = span(kase, block);
        const kept = computedKeys(large, block);
        const seen = [...computedKeys(small, block)].filter((key) => key <= last && key >= lowest(kase, first));
        expect(seen.filter((key) => !kept.has(key))).toEqual([]);
      }
      expect(large.tiles).toBeGreaterThanOrEqual(small.tiles);
    }),
    { numRuns: 60 },
  ));

test('vertical-slash keeps the first 30 columns and the 100 nearest diagonals', async () => {
  const { columns, ranges } = await buildIndex({ rows: 640, pattern: [2, 30, 100, FORCE] }, 'optimized');
  expect(columns).toEqual(Array.from({ length: 30 }, (_, column) => column));
  for (const [block, blockRanges] of ranges.entries()) {
    const begin = Math.max(0, Math.floor((block * 64 - 99) / 16) * 16);
    expect(blockRanges).toEqual([[begin, (block + 1) * 64]]);
  }
});

test('FLOPs are those of the tiles, and of the index where it takes products', async () => {
  const [rows, headDim] = [640, 16];
  const tile = 4 * GEOMETRY.block_m * GEOMETRY.block_n * headDim;
  const aShape = await buildIndex({ rows, headDim, pattern: [1, 64, 100, FORCE] }, 'optimized');
  expect(aShape.flops).toBe(aShape.tiles * tile);
  const slashes = await buildIndex({ rows, headDim, pattern: [2, 64, 100, FORCE] }, 'optimized');
  expect(slashes.flops).toBe(slashes.tiles * tile + 2 * headDim * 64 * rows);
  const blocks = await buildIndex({ rows, headDim, pattern: [3, 2, 0, FORCE] }, 'optimized');
  const pooled = rows / 64;
  // One row of queries and one of keys pooled per block, and a product for every block at or before the own.
  expect(blocks.flops).toBe(blocks.tiles * tile + headDim * 2 * rows + (2 * headDim * pooled * (pooled + 1)) / 2);
});
