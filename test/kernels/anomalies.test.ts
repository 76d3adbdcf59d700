import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttentionCase, type Poison, runAttention } from './attention-case.js';

const FORCE = 1;
const PATTERNS = [
  [0, 0, 0, FORCE],
  [1, 20, 70, FORCE],
  [2, 24, 40, FORCE],
  [3, 2, 0, FORCE],
];

const isBroken = (value: number) => !Number.isFinite(value);

/** Elements that are no numbers have to be the same ones; the others have to be close. */
async function expectSame(kase: AttentionCase): Promise<{ broken: number; finite: number }> {
  const [found, wanted] = [await runAttention(kase, 'optimized'), await runAttention(kase, 'reference')];
  let broken = 0;
  for (const name of ['output', 'lse'] as const) {
    const [actual, expected] = [found[name], wanted[name]];
    expect(actual.length).toBe(expected.length);
    for (let index = 0; index < expected.length; index++) {
      const [a, e] = [actual[index]!, expected[index]!];
      if (isBroken(a) !== isBroken(e)) expect.fail(`${name}[${index}]: expected ${e}, found ${a}`);
      if (isBroken(e)) broken++;
      else if (Math.abs(a - e) > 2e-5 + 2e-4 * Math.abs(e)) expect.fail(`${name}[${index}]: expected ${e}, found ${a}`);
    }
  }
  return { broken, finite: wanted.output.length - broken };
}

const row = (input: Poison['input'], at: number, heads: number, headDim = 32, element = 3) => ({
  input,
  element: at * heads * headDim + element,
});

describe('one element that is no number', () => {
  test.each([
    ['NaN in a query', { ...row('q', 40, 4), value: Number.NaN }],
    ['infinity in a query', { ...row('q', 40, 4), value: Number.POSITIVE_INFINITY }],
    ['NaN in a key', { ...row('k', 90, 2), value: Number.NaN }],
    ['infinity in a key', { ...row('k', 90, 2), value: Number.POSITIVE_INFINITY }],
    ['minus infinity in a key', { ...row('k', 90, 2), value: Number.NEGATIVE_INFINITY }],
    ['NaN in a value', { ...row('v', 90, 2), value: Number.NaN }],
    ['infinity in a value', { ...row('v', 90, 2), value: Number.POSITIVE_INFINITY }],
    ['NaN in the last value', { ...row('v', 199, 2), value: Number.NaN }],
  ] as const)('%s breaks what it reaches, and nothing else, in every pattern', async (_name, poison) => {
    const { broken, finite } = await expectSame({ rows: 200, patterns: PATTERNS, poison: [poison] });
    expect(broken).toBeGreaterThan(0);
    expect(finite).toBeGreaterThan(0);
  });

  test('a score beyond float breaks its row', async () => {
    const poison = [
      { ...row('q', 120, 4), value: 1e25 },
      { ...row('k', 90, 2), value: 1e25 },
    ];
    const { broken } = await expectSame({ rows: 200, patterns: PATTERNS.slice(0, 1), poison });
    expect(broken).toBe(32 + 1);
  });

  test('a key that is no number leaves the rows before it bit by bit as they were', async () => {
    const clean = { rows: 200, patterns: PATTERNS.slice(0, 2) };
    const before = await runAttention(clean, 'optimized');
    for (const input of ['k', 'v'] as const) {
      const poison = [{ ...row(input, 90, 2), value: Number.NaN }];
      const after = await runAttention({ ...clean, poison }, 'optimized');
      const width = 4 * 32;
      expect(after.output.slice(0, 90 * width)).toEqual(before.output.slice(0, 90 * width));
      expect(after.output.slice(90 * width, 91 * width).some(Number.isNaN)).toBe(true);
    }
  });

  test.each([
    [1, 70],
    [7, 130],
    [1, 0],
  ])('%i rows after %i', async (rows, past) => {
    for (const input of past > 0 ? (['q', 'k', 'v', 'past_k', 'past_v'] as const) : (['q', 'k', 'v'] as const)) {
      const { broken } = await expectSame({
        rows,
        past,
        patterns: PATTERNS,
        poison: [{ input, element: 5, value: Number.NaN }],
      });
      expect(broken).toBeGreaterThan(0);
    }
  });

  test('rows whose keys all weigh nothing are empty', async () => {
    const poison = Array.from({ length: 64 }, (_, element) => ({
      input: 'k' as const,
      element,
      value: Number.NEGATIVE_INFINITY,
    }));
    const ones = Array.from({ length: 4 * 32 }, (_, element) => ({ input: 'q' as const, element, value: 1 }));
    const { output, lse } = await runAttention({ rows: 1, poison: [...poison, ...ones] }, 'optimized');
    expect([...output].every((value) => value === 0)).toBe(true);
    expect([...lse].every((value) => value === Number.NEGATIVE_INFINITY)).toBe(true);
    await expectSame({ rows: 1, poison: [...poison, ...ones] });
  });
});

test('soft caps bound infinite scores and keep NaN', async () => {
  const attributes = { softcap: { float: 20 } };
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    await expectSame({ rows: 150, patterns: PATTERNS, attributes, poison: [{ ...row('k', 20, 2), value }] });
  }
});

test('anything anywhere, in any shape', async () => {
  const poison = fc.record({
    input: fc.constantFrom<Poison['input'][]>('q', 'k', 'v', 'past_k', 'past_v'),
    element: fc.nat(1 << 20),
    value: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  });
  const kase = fc.record({
    rows: fc.integer({ min: 1, max: 260 }),
    past: fc.constantFrom(0, 1, 63, 64, 130),
    patterns: fc.shuffledSubarray(PATTERNS, { minLength: 1 }),
    poison: fc.array(poison, { minLength: 1, maxLength: 3 }),
    seed: fc.string({ minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(kase, async (options) => {
      await expectSame(options);
    }),
    { numRuns: 40 },
  );
}, 120_000);
