import { expect, it } from 'vitest';
import { mean, median, quantile } from '../../src/utils/statistics.js';

it('takes means and medians', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(median([5, 1, 9])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
});

it('interpolates quantiles', () => {
  expect([0, 0.1, 0.5, 0.9, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 1.3, 2.5, 3.7, 4]);
  expect(quantile([7], 0.9)).toBe(7);
});

it('makes no number of none, nor of one that is NaN', () => {
  for (const of of [mean, median]) {
    expect(of([])).toBeNaN();
    expect(of([1, Number.NaN, 2])).toBeNaN();
  }
});
