import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutIndex, joinIndices } from '../../src/patterns/cut-index.js';
import {
  blockKeys,
  type ExplicitIndex,
  makeIndex,
  rowBlocks,
  sliceIndex,
  splitIndex,
} from '../../src/patterns/explicit-index.js';

const BLOCKS = 6;
const keys = fc.uniqueArray(fc.integer({ min: 0, max: 64 * BLOCKS + 50 }), { maxLength: 12 });
const ascending = (values: number[]) => [...values].sort((a, b) => a - b);
/** Pairs of different keys in order are disjoint ranges. */
const block = fc.tuple(keys, keys).map(([ends, columns]) => {
  const all = ascending(ends.slice(0, ends.length - (ends.length % 2)));
  const ranges = Array.from({ length: all.length / 2 }, (_, i) => [all[2 * i]!, all[2 * i + 1]!] as const);
  return { ranges, columns: ascending(columns) };
});
const own = fc.array(block, { minLength: BLOCKS, maxLength: BLOCKS }).map(makeIndex);
const shared = fc.tuple(own, keys).map(([index, columns]): ExplicitIndex => {
  return { ...index, columnOffsets: [0, columns.length], columns: ascending(columns) };
});
const index = fc.oneof(own, shared);
const blocksOf = (given: ExplicitIndex) => Array.from({ length: rowBlocks(given) }, (_, i) => blockKeys(given, i));

it('cuts what slicing row block by row block cuts', () => {
  fc.assert(
    fc.property(index, fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 84 }), (given, start, rows) => {
      for (const from of [start, 64 * Math.floor(start / 64)]) {
        const expected = makeIndex(sliceIndex(given, from, rows));
        expect(blocksOf(cutIndex(given, from, rows))).toEqual(blocksOf(expected));
      }
    }),
  );
});

it('joins what splitting parts again', () => {
  fc.assert(
    fc.property(fc.array(index, { minLength: 1, maxLength: 4 }), (given) => {
      const joined = joinIndices(given);
      const parts = splitIndex(joined, given.length);
      expect(parts.map(blocksOf)).toEqual(given.map(blocksOf));
      const allShared = given.every(({ columnOffsets }) => columnOffsets.length === 2);
      expect(joined.columnOffsets).toHaveLength((allShared ? 1 : BLOCKS) * given.length + 1);
    }),
  );
});
