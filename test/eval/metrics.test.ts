import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/eval/metrics/metrics.js';
import { postProcess } from '../../src/eval/metrics/post-process.js';
import { wilsonInterval } from '../../src/eval/stats/wilson.js';

describe('string match', () => {
  it.each([
    [' 1234567', ['1234567'], 1, 1],
    ['The number is 1234567.', ['1234567'], 1, 1],
    ['Large-Table', ['large-table'], 1, 1],
    ['1234568', ['1234567'], 0, 0],
    ['', ['1234567'], 0, 0],
    ['1111111, 2222222, and 4444444', ['1111111', '2222222', '3333333', '4444444'], 0.75, 1],
    ['none of them', ['1111111', '2222222'], 0, 0],
    ['ABCDE\u0000FGHIJ', ['ABCDE', 'FGHIJ'], 1, 1],
    ['ABCDE\tFGHIJ', ['E F', 'FGHIJ'], 0.5, 1],
  ])('%j against %j: all %d, part %d', (prediction, references, all, part) => {
    expect(METRICS.string_match_all(prediction, references)).toBe(all);
    expect(METRICS.string_match_part(prediction, references)).toBe(part);
  });

  it.each([
    ['Yes, both are.', ['yes'], 1],
    ['I do not know.', ['no'], 0],
    ['No', ['no'], 1],
    ['the eyes have it', ['yes'], 0],
    ['no: Nolan', ['Nolan'], 1],
  ])('%j against %j: yes and no are words, score %d', (prediction, references, score) => {
    expect(METRICS.string_match_part(prediction, references)).toBe(score);
  });

  it('trims and makes control characters line breaks', () => {
    expect(postProcess('\u0001\n a\tb\rc\u001fd \u0002')).toBe('a\nb\nc\nd');
    expect(postProcess('\u007f é 中')).toBe('\u007f é 中');
  });
});

describe('statistics', () => {
  it.each([
    [1, 20, 0.8389, 1],
    [0.5, 10, 0.2366, 0.7634],
    [0, 10, 0, 0.2775],
  ])('Wilson interval of %d over %d is %d to %d', (share, n, low, high) => {
    const interval = wilsonInterval(share, n);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('contains the mean, shrinks with n, and says nothing about no samples', () => {
    expect(wilsonInterval(Number.NaN, 0)).toEqual([0, 1]);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 10_000 }), (share, n) => {
        const [low, high] = wilsonInterval(share, n);
        const [lowMore, highMore] = wilsonInterval(share, n * 4);
        expect(low).toBeLessThanOrEqual(share + 1e-12);
        expect(high).toBeGreaterThanOrEqual(share - 1e-12);
        expect(highMore - lowMore).toBeLessThan(high - low);
      }),
    );
  });
});
