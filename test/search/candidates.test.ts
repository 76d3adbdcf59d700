import { describe, expect, it } from 'vitest';
import { resolveBudget } from '../../search/budget.js';
import { candidateRow, PAPER_SPACE, searchSpace } from '../../search/candidates.js';

const geometry = { blockM: 64, blockN: 64, keyAlign: 1 };
const space = (budget: string, length: number) => {
  const at = { length, headDim: 64, geometry };
  return searchSpace(resolveBudget(budget, at), at);
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
    expect(new Set(candidates.map((candidate) => JSON.stringify(candidate))).size).toBe(candidates.length);
    for (const candidate of candidates) {
      const [, a, b] = candidateRow(candidate);
      expect(Math.max(a, b)).toBeLessThanOrEqual(length);
      expect(a).toBeGreaterThanOrEqual(1);
      if (candidate.type === 'vertical_slash') expect(candidate.vertical).toBeGreaterThanOrEqual(30);
    }
  });

  it('rounds what is not fitted to whole tiles, and starts what is where fitting can reach one diagonal', () => {
    for (const blockN of [16, 64]) {
      const at = { length: 8192, headDim: 64, geometry: { blockM: 64, blockN, keyAlign: blockN } };
      for (const budget of ['5%', '20%']) {
        const candidates = searchSpace(resolveBudget(budget, at), at);
        const columns = candidates.find((candidate) => 'fit' in candidate && candidate.fit === 'vertical');
        expect(columns).toMatchObject({ type: 'vertical_slash' });
        expect((64 + (columns as { slash: number }).slash - 1) % blockN).toBe(0);
        for (const candidate of candidates) {
          if (candidate.type === 'vertical_slash' && candidate.fit === 'slash') expect(candidate.slash % 50).toBe(1);
          if (candidate.type === 'a_shape') expect(candidate.sink % blockN).toBe(0);
        }
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
