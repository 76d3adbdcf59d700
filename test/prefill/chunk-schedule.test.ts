import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkSchedule } from '../../src/prefill/chunk-schedule.js';

test('examples', () => {
  expect(chunkSchedule(100, 100)).toEqual([{ start: 0, rows: 100 }]);
  expect(chunkSchedule(1000, 512)).toEqual([
    { start: 0, rows: 512 },
    { start: 512, rows: 488 },
  ]);
  // A rest of 10 rows could not estimate an index: it takes 54 rows from its neighbour.
  expect(chunkSchedule(1034, 512)).toEqual([
    { start: 0, rows: 512 },
    { start: 512, rows: 458 },
    { start: 970, rows: 64 },
  ]);
  expect(chunkSchedule(3, 1)).toHaveLength(3);
});

test('chunks cover the prompt in order, none is larger than asked, the last has 64 rows where it can', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 6000 }), (tokens, chunk) => {
      let position = 0;
      const schedule = chunkSchedule(tokens, chunk);
      const bad = schedule.find(({ start, rows }) => {
        const wrong = start !== position || rows < 1 || rows > chunk;
        position += rows;
        return wrong;
      });
      expect(bad).toBeUndefined();
      expect(position).toBe(tokens);
      if (tokens >= 64 && chunk >= 128) expect(schedule.at(-1)!.rows).toBeGreaterThanOrEqual(64);
    }),
  );
});
