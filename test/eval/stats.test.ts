import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairedInterval } from '../../src/eval/stats/paired.js';
import { studentInterval, studentQuantile } from '../../src/eval/stats/student.js';

describe('pairedInterval', () => {
  it('is what Agresti and Min’s formula gives by hand', () => {
    // 100 pairs, 5 better, 15 worse: half a pair more in each cell makes 102 pairs, 5.5 and 15.5 of them.
    const differences = [...Array(5).fill(1), ...Array(15).fill(-1), ...Array(80).fill(0)];
    const mean = (5.5 - 15.5) / 102;
    const half = 1.959964 * Math.sqrt((21 / 102 - mean ** 2) / 102);
    const [low, high] = pairedInterval(differences);
    expect(low).toBeCloseTo(mean - half, 6);
    expect(high).toBeCloseTo(mean + half, 6);
    expect(low).toBeCloseTo(-0.184, 3);
  });

  it('does not collapse where no pair differs, and shrinks with more of them', () => {
    const width = (n: number) => {
      const [low, high] = pairedInterval(Array(n).fill(0));
      expect(low).toBe(-high);
      return high - low;
    };
    expect(width(20)).toBeGreaterThan(0.1);
    expect(width(2000)).toBeLessThan(0.01);
  });

  it('turns round with the pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true })), (differences) => {
        const [low, high] = pairedInterval(differences);
        const [mirroredLow, mirroredHigh] = pairedInterval(differences.map((difference) => -difference));
        expect(low).toBeCloseTo(-mirroredHigh, 9);
        expect(high).toBeCloseTo(-mirroredLow, 9);
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('studentInterval', () => {
  it.each([
    [1, 12.7062],
    [2, 4.30265],
    [3, 3.18245],
    [9, 2.26216],
    [30, 2.04227],
    [120, 1.97993],
    [100_000, 1.95996],
  ])('has the quantile of tables for %i degrees of freedom', (degrees, quantile) => {
    expect(studentQuantile(degrees)).toBeCloseTo(quantile, 4);
  });

  it('is the textbook’s: mean ± t · s / √n', () => {
    // Mean 3, s² = 10 / 4, t(4) = 2.77645.
    const [low, high] = studentInterval([1, 2, 3, 4, 5])!;
    expect(low).toBeCloseTo(3 - 2.77645 * Math.sqrt(2.5 / 5), 4);
    expect(high).toBeCloseTo(3 + 2.77645 * Math.sqrt(2.5 / 5), 4);
  });

  it('is none for fewer than two', () => {
    expect(studentInterval([])).toBeNull();
    expect(studentInterval([1])).toBeNull();
  });
});
