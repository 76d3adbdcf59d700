import fc from 'fast-check';
import { expect, test } from 'vitest';
import { argmax, checkLogits, klDivergence, lastRow, logSoftmax } from '../../src/prefill/logits.js';

test('argmax takes the lower index of equals', () => {
  expect(argmax(Float32Array.of(1, 5, 5, 2))).toBe(1);
  expect(argmax(Float32Array.of(-Infinity, -3))).toBe(1);
});

test('logits that choose no token are refused', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => checkLogits(Float32Array.of(1, bad, 2))).toThrow(/expected finite logits .* \(token 1\)/);
  }
  expect(() => checkLogits(Float32Array.of(1, Number.NEGATIVE_INFINITY))).not.toThrow();
});

test('lastRow copies', () => {
  const data = Float32Array.of(1, 2, 3, 4);
  const row = lastRow({ data, rows: 2 });
  expect([...row]).toEqual([3, 4]);
  data[3] = 9;
  expect(row[1]).toBe(4);
});

test('log-softmax sums to one, also for large logits', () => {
  const log = logSoftmax(Float32Array.of(1000, 999, 0, -1000));
  expect(log.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 12);
  expect(log[0]! - log[1]!).toBeCloseTo(1, 12);
});

test('KL of two coins, of equals, and with masked tokens', () => {
  const logits = (p: number) => Float32Array.of(Math.log(p), Math.log(1 - p));
  expect(klDivergence(logits(0.5), logits(0.25))).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6);
  expect(klDivergence(logits(0.3), logits(0.3))).toBe(0);
  expect(klDivergence(Float32Array.of(1, 2, -Infinity), Float32Array.of(1, 2, -Infinity))).toBe(0);
});

test('KL is never negative and does not see a shift', () => {
  const row = fc.float32Array({ minLength: 4, maxLength: 4, noNaN: true, min: -20, max: 20 });
  fc.assert(
    fc.property(row, row, (p, q) => {
      const kl = klDivergence(p, q);
      expect(kl).toBeGreaterThanOrEqual(0);
      expect(
        klDivergence(
          p.map((x) => x + 4),
          q,
        ),
      ).toBeCloseTo(kl, 3);
    }),
  );
});
