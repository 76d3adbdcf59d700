import { describe, expect, test } from 'vitest';
import { blockKeys, makeIndex, rowBlocks, sliceIndex, splitIndex } from '../../src/patterns/explicit-index.js';

const index = makeIndex([
  { ranges: [[0, 64]], columns: [70] },
  {
    ranges: [
      [0, 16],
      [100, 128],
    ],
    columns: [40, 50],
  },
  { ranges: [[128, 192]] },
]);

test('row blocks come out as they went in', () => {
  expect(rowBlocks(index)).toBe(3);
  expect(blockKeys(index, 1)).toEqual({
    ranges: [
      [0, 16],
      [100, 128],
    ],
    columns: [40, 50],
  });
});

describe('a slice', () => {
  test('from the start leaves out what lies behind it', () => {
    expect(sliceIndex(index, 0, 110)).toEqual([
      { ranges: [[0, 64]], columns: [70] },
      {
        ranges: [
          [0, 16],
          [100, 110],
        ],
        columns: [40, 50],
      },
    ]);
    expect(sliceIndex(index, 0, 60)).toEqual([{ ranges: [[0, 60]], columns: [] }]);
  });

  test('that begins within a row block has the keys of both', () => {
    expect(sliceIndex(index, 100, 80)).toEqual([
      {
        ranges: [
          [0, 16],
          [100, 180],
        ],
        columns: [40, 50],
      },
      { ranges: [[128, 180]], columns: [] },
    ]);
  });

  test('has columns that all row blocks share', () => {
    const shared = { rangeOffsets: [0, 0, 0], ranges: [], columnOffsets: [0, 2], columns: [3, 90] };
    expect(sliceIndex(shared, 0, 80)).toEqual([
      { ranges: [], columns: [3] },
      { ranges: [], columns: [3] },
    ]);
  });
});

test('heads are split, whether their columns are shared or not', () => {
  const joined = {
    rangeOffsets: [0, 1, 2, 2, 3],
    ranges: [0, 64, 64, 128, 0, 32],
    columnOffsets: [0, 1, 3],
    columns: [7, 8, 9],
  };
  const [first, second] = splitIndex(joined, 2);
  expect(blockKeys(first!, 1)).toEqual({ ranges: [[64, 128]], columns: [7] });
  expect(blockKeys(second!, 0)).toEqual({ ranges: [], columns: [8, 9] });
  expect(blockKeys(second!, 1)).toEqual({ ranges: [[0, 32]], columns: [8, 9] });
  const own = splitIndex({ ...joined, columnOffsets: [0, 1, 1, 3, 3] }, 2);
  expect(blockKeys(own[0]!, 1).columns).toEqual([]);
  expect(blockKeys(own[1]!, 0).columns).toEqual([8, 9]);
});
