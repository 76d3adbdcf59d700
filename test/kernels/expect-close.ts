import { expect } from 'vitest';

/** Infinities and NaN must agree exactly; the rest within atol + rtol·|expected|, and in direction. */
export function expectClose(
  actual: Float32Array,
  expected: Float32Array,
  { atol = 2e-5, rtol = 2e-4, cosine = 1e-6 } = {},
): void {
  expect(actual.length).toBe(expected.length);
  let [dot, actualNorm, expectedNorm] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (!Number.isFinite(a) || !Number.isFinite(e)) {
      expect(a, `element ${i}`).toBe(e);
      continue;
    }
    if (Math.abs(a - e) > atol + rtol * Math.abs(e)) expect.fail(`element ${i}: expected ${e}, found ${a}`);
    dot += a * e;
    actualNorm += a * a;
    expectedNorm += e * e;
  }
  if (expectedNorm > 0) expect(dot / Math.sqrt(actualNorm * expectedNorm)).toBeGreaterThan(1 - cosine);
}
