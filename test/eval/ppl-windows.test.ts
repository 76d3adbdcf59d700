import fc from 'fast-check';
import { expect, it } from 'vitest';
import { windowsOf } from '../../src/eval/ppl/windows.js';

it.each([
  ['a document that fits is one window', [10, 16, 4], [{ start: 0, end: 10, scored: 9 }]],
  ['so is one of just its size', [16, 16, 4], [{ start: 0, end: 16, scored: 15 }]],
  [
    'a longer one slides; the last window is shorter',
    [25, 16, 6],
    [
      { start: 0, end: 16, scored: 15 },
      { start: 6, end: 22, scored: 6 },
      { start: 12, end: 25, scored: 3 },
    ],
  ],
  ['a single token has nothing before it', [1, 16, 4], []],
] as const)('%s', (_, [tokens, window, stride], expected) => {
  expect(windowsOf(tokens, window, stride)).toEqual(expected);
});

it('scores every token but the first exactly once, with at least window − stride tokens before it', () => {
  const sizes = fc
    .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 100 }))
    .chain(([tokens, window]) =>
      fc.tuple(fc.constant(tokens), fc.constant(window), fc.integer({ min: 1, max: window - 1 })),
    );
  fc.assert(
    fc.property(sizes, ([tokens, window, stride]) => {
      const scored = windowsOf(tokens, window, stride).flatMap(({ start, end, scored }) => {
        expect(end - start).toBeLessThanOrEqual(window);
        return Array.from({ length: scored }, (_, i) => ({
          token: end - scored + i,
          before: end - scored + i - start,
        }));
      });
      expect(scored.map(({ token }) => token)).toEqual(Array.from({ length: tokens - 1 }, (_, i) => i + 1));
      for (const { token, before } of scored) expect(before).toBeGreaterThanOrEqual(Math.min(token, window - stride));
    }),
  );
});
