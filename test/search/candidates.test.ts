import { describe, expect, it } from 'vitest';
import { parseBudget, resolveBudget } from '../../search/budget.js';
import { candidateRow, PAPER_SPACE, searchSpace } from '../../search/candidates.js';

const geometry = { blockM: 64, blockN: 64, keyAlign: 1 };
const space = (budget: string, length: number) => {
  const at = { length, headDim: 64, geometry };
  return searchSpace(resolveBudget(parseBudget(budget), at), at);
};

describe('searchSpace', () => {
  it("is the paper's Table 7 in the paper's setting", () => {
    expect(space('a_shape:1024,4096', 30_000)).toEqual(PAPER_SPACE);
  });

  it.each([
    ['20%', 8192],
    ['5%', 4096],
    ['50%', 131_072],
    ['0.1%', 1024],
  ])('stays within the prompt and keeps what the ops keep anyway: %s at %d', (budget, length) => {
    const candidates = space(budget, length);
    expect(candidates.length).toBeGreaterThanOrEqual(3);
    const fixed = candidates.map(({ fit, ...pattern }) => JSON.stringify({ ...pattern, fit, [fit!]: 0 }));
    expect(new Set(fixed).size).toBe(candidates.length);
    for (const candidate of candidates) {
      const [, a, b] = candidateRow(candidate);
      expect(Math.max(a, b)).toBeLessThanOrEqual(length);
      expect(a).toBeGreaterThanOrEqual(1);
      if (candidate.type === 'vertical_slash') expect(candidate.vertical).toBeGreaterThanOrEqual(30);
    }
  });

  it('rounds what is not fitted to whole tiles, and lets no row lose its nearest predecessors', () => {
    for (const blockN of [16, 64]) {
      const at = { length: 8192, headDim: 64, geometry: { blockM: 64, blockN, keyAlign: blockN } };
      for (const [budget, least] of [
        ['5%', blockN === 16 ? 33 : 65],
        ['10%', 65],
        ['20%', 65],
      ] as const) {
        for (const candidate of searchSpace(resolveBudget(parseBudget(budget), at), at)) {
          if (candidate.type === 'a_shape') {
            expect(candidate.sink % blockN).toBe(0);
            expect(candidate.window % 50).toBeGreaterThanOrEqual(16);
          }
          if (candidate.type !== 'vertical_slash') continue;
          if (candidate.fit === 'slash') expect(candidate.slash % 50).toBeGreaterThanOrEqual(16);
          else {
            expect((64 + candidate.slash - 1) % blockN).toBe(0);
            expect(candidate.slash).toBeGreaterThanOrEqual(least);
          }
        }
      }
    }
  });

  it.each([
    ['50%', 49],
    ['5%', 32],
    ['1%', 16],
  ])('has no candidate of %s that fitting can bring below %i nearest diagonals', (budget, floor) => {
    const at = { length: 8192, headDim: 64, geometry: { blockM: 64, blockN: 16, keyAlign: 16 } };
    for (const candidate of searchSpace(resolveBudget(parseBudget(budget), at), at)) {
      // Fitting moves a size in steps of 50 and keeps its remainder.
      if (candidate.type === 'a_shape') expect(candidate.window % 50).toBe(floor);
      if (candidate.type === 'vertical_slash' && candidate.fit === 'slash') expect(candidate.slash % 50).toBe(floor);
      if (candidate.type === 'vertical_slash' && candidate.fit === 'vertical') {
        expect(candidate.slash).toBeGreaterThan(floor);
      }
    }
  });

  it('writes rows as the ops take them: kind, sizes, no fallback, the size to fit', () => {
    expect(PAPER_SPACE.map(candidateRow)).toEqual([
      [1, 1024, 4096, 1 | 4],
      [2, 30, 2048, 1 | 4],
      [2, 100, 1800, 1 | 4],
      [2, 500, 1500, 1 | 4],
      [2, 3000, 200, 1 | 2],
      [3, 100, 0, 1 | 2],
    ]);
  });
});
