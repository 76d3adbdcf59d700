import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dilated, strided, triShape } from '../../src/eval/methods/window-indices.js';
import { blockKeys, type ExplicitIndex, rowBlocks } from '../../src/patterns/explicit-index.js';

/** Keys that row `row` computes. */
function keysOf(index: ExplicitIndex, row: number): number[] {
  const { ranges, columns } = blockKeys(index, Math.floor(row / 64));
  const keys = new Set(columns);
  for (const [begin, end] of ranges) for (let key = begin; key < end; key++) keys.add(key);
  return [...keys].filter((key) => key <= row).sort((a, b) => a - b);
}

/** The definitions, key by key: blocks of 64 rows count from their last one. */
const blockEnd = (row: number) => 64 * (Math.floor(row / 64) + 1);
const own = (row: number, key: number) => key >= blockEnd(row) - 64;
const within = (row: number, key: number, window: number) => key >= blockEnd(row) - window;
const even = (row: number, key: number) => (blockEnd(row) - key) % 2 === 0;

const sizes = fc.integer({ min: 0, max: 700 });
const tokens = fc.integer({ min: 1, max: 600 });

describe('indices of windows', () => {
  it.each([
    [
      'dilated',
      ([sink, window]: number[]) => dilated(sink!, window!),
      ([sink, window]: number[]) =>
        (row: number, key: number) =>
          key < sink! || own(row, key) || (within(row, key, window!) && even(row, key)),
    ],
    [
      'strided',
      ([sink, window, wide]: number[]) => strided(sink!, window!, wide!),
      ([sink, window, wide]: number[]) =>
        (row: number, key: number) =>
          key < sink! ||
          own(row, key) ||
          within(row, key, window!) ||
          (within(row, key, window! + wide!) && evenFrom(row, key, window!)),
    ],
  ])('%s computes what its definition says', (_, make, definition) => {
    fc.assert(
      fc.property(fc.tuple(sizes, sizes, sizes), tokens, (numbers, length) => {
        const index = make(numbers)(length);
        expect(rowBlocks(index)).toBe(Math.ceil(length / 64));
        const sees = definition(numbers);
        for (const row of [0, Math.floor(length / 2), length - 1]) {
          const expected = Array.from({ length: row + 1 }, (_, key) => key).filter((key) => sees(row, key));
          expect(keysOf(index, row)).toEqual(expected);
        }
      }),
    );
  });

  it('tri-shape is an A-shape whose last rows see everything', () => {
    const index = triShape(10, 128, 100)(1000);
    expect(keysOf(index, 700)).toEqual([...range(0, 10), ...range(704 - 128, 701)]);
    // Row 900 is the first of the last 100; its block begins at 896.
    expect(keysOf(index, 895)).toHaveLength(10 + 128);
    expect(keysOf(index, 896)).toHaveLength(897);
    expect(keysOf(index, 999)).toHaveLength(1000);
  });
});

/** The wide window's keys count from where the near one begins, or from the block. */
function evenFrom(row: number, key: number, window: number): boolean {
  const near = Math.max(0, Math.min(blockEnd(row) - 64, blockEnd(row) - window));
  return (near - key) % 2 === 0;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
