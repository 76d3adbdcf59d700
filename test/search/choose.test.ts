import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCandidate } from '../../search/choose.js';
import { LOSS } from '../../search/objective.js';
import { type CombinedScore, combineScores } from '../../search/scores.js';
import { OBJECTIVES } from '../../src/patterns/pattern-file.js';

const score = (part: Partial<CombinedScore>): CombinedScore => ({
  errorAll: 0.5,
  errorLast: 0.5,
  massRecall: 0.5,
  flops: 100,
  pattern: { type: 'block_sparse', blocks: 1 },
  ...part,
});
const choose = (scores: CombinedScore[], objective: (typeof OBJECTIVES)[number] = 'answer', budgetFlops = 100) =>
  chooseCandidate(scores, { objective, budgetFlops });

describe('chooseCandidate', () => {
  it('minimises what the objective says', () => {
    const scores = [
      score({ errorLast: 0.1, errorAll: 0.9, massRecall: 0.2 }),
      score({ errorLast: 0.9, errorAll: 0.1, massRecall: 0.3 }),
      score({ errorLast: 0.8, errorAll: 0.8, massRecall: 0.9 }),
    ];
    expect(choose(scores, 'answer')).toBe(0);
    expect(choose(scores, 'output')).toBe(1);
    expect(choose(scores, 'mass')).toBe(2);
    // 0.91, 0.91 and 1.13; then one that is worse in either but good in both.
    expect(choose(scores, 'both')).toBe(0);
    expect(choose([...scores, score({ errorLast: 0.4, errorAll: 0.4 })], 'both')).toBe(3);
  });

  it('never lets a candidate over the budget win, however good', () => {
    expect(choose([score({ errorLast: 0, flops: 101 }), score({ errorLast: 0.7 })])).toBe(1);
    expect(choose([score({ errorLast: 0, flops: 101 })])).toBeUndefined();
    expect(choose([score({ errorLast: 0, flops: Number.NaN })])).toBeUndefined();
  });

  it('does not mind the rounding of float32 costs', () => {
    const budget = 0.2 * 8_590_983_168;
    expect(choose([score({ flops: Math.fround(budget) })], 'answer', budget)).toBe(0);
  });

  it('breaks ties by cost, then by order', () => {
    expect(choose([score({ flops: 90 }), score({ flops: 80 }), score({ flops: 80 })])).toBe(1);
    expect(choose([score({}), score({})])).toBe(0);
  });

  it('counts what is not a number as worst', () => {
    expect(choose([score({ errorLast: Number.NaN }), score({ errorLast: 1e6 })])).toBe(1);
  });

  it('finds the least loss within the budget (property)', () => {
    const any = fc.record({
      errorAll: fc.double({ min: 0, max: 2, noNaN: true }),
      errorLast: fc.double({ min: 0, max: 2, noNaN: true }),
      massRecall: fc.double({ min: 0, max: 1, noNaN: true }),
      flops: fc.integer({ min: 1, max: 200 }),
      pattern: fc.constant({ type: 'block_sparse' as const, blocks: 1 }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), fc.constantFrom(...OBJECTIVES), (scores, objective) => {
        const index = choose(scores, objective);
        const affordable = scores.filter(({ flops }) => flops <= 100);
        if (index === undefined) expect(affordable).toEqual([]);
        else {
          expect(affordable).toContain(scores[index]);
          const loss = LOSS[objective];
          expect(loss(scores[index]!)).toBe(Math.min(...affordable.map(loss)));
        }
      }),
    );
  });
});

const sizes = (vertical: number, slash: number) => ({ type: 'vertical_slash' as const, vertical, slash });

describe('combineScores', () => {
  it('takes means of errors, the largest cost and the smallest sizes', () => {
    const combined = combineScores([
      { errorAll: 0.1, errorLast: 0.2, massRecall: 0.9, flops: 90, pattern: sizes(30, 412) },
      { errorAll: 0.3, errorLast: 0.4, massRecall: 0.7, flops: 99, pattern: sizes(40, 112) },
    ]);
    expect(combined).toEqual({
      errorAll: expect.closeTo(0.2),
      errorLast: expect.closeTo(0.3),
      massRecall: expect.closeTo(0.8),
      flops: 99,
      pattern: sizes(30, 112),
    });
  });
});
