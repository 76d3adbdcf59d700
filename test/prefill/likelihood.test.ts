import { expect, test } from 'vitest';
import type { HeadPattern } from '../../src/patterns/head-pattern.js';
import { runLikelihood } from '../../src/prefill/likelihood.js';
import { logSoftmax } from '../../src/prefill/logits.js';
import { runPrefill } from '../../src/prefill/prefill.js';
import { maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const VOCABULARY = 272;
const tokens = someTokens(301);

/** The loss of every token behind the first, from the logits of all positions. */
async function lossFromLogits(folder: string, patterns: readonly HeadPattern[][] | 'dense'): Promise<Float32Array> {
  const parts = await openTiny(folder, { logits: 'all' });
  const loss = new Float32Array(tokens.length - 1);
  const { cache } = await runPrefill(parts, tokens, {
    patterns,
    onChunk: ({ logits }) => {
      for (let row = 0; row < loss.length; row++) {
        const own = logits.data.subarray(row * VOCABULARY, (row + 1) * VOCABULARY);
        loss[row] = -logSoftmax(own)[tokens[row + 1]!]!;
      }
    },
  });
  cache.dispose();
  return loss;
}

const narrow = (head: HeadPattern): HeadPattern[][] =>
  Array.from({ length: 2 }, () => Array.from({ length: 4 }, () => head));

test.each([
  ['genai', { style: 'genai' }],
  ['Optimum', { style: 'optimum' }],
] as const)('%s: the loss of every token equals that of all logits, dense and sparse', async (_, spec) => {
  const folder = await tinyModel(spec, spec.style === 'optimum' ? 'optimum' : undefined);
  const parts = await openTiny(folder, { graph: 'likelihood' });
  for (const patterns of ['dense', narrow({ type: 'a_shape', sink: 16, window: 16 })] as const) {
    const { loss, timings } = await runLikelihood(parts, tokens, { patterns });
    expect(maxDifference(loss, await lossFromLogits(folder, patterns))).toBeLessThan(1e-4);
    expect(timings.computed).not.toBeNull();
  }
});

test('chunks make no difference to dense attention: every target is scored once, also at their borders', async () => {
  const parts = await openTiny(await tinyModel(), { graph: 'likelihood' });
  const whole = (await runLikelihood(parts, tokens, { patterns: 'dense' })).loss;
  expect(whole).toHaveLength(300);
  for (const chunk of [1, 64, 100, 300]) {
    const { loss } = await runLikelihood(parts, tokens, { patterns: 'dense', chunk });
    expect(maxDifference(loss, whole), `chunks of ${chunk}`).toBeLessThan(1e-4);
  }
});

test('a single token has nothing before it', async () => {
  const parts = await openTiny(await tinyModel(), { graph: 'likelihood' });
  expect((await runLikelihood(parts, [5], { patterns: 'dense' })).loss).toHaveLength(0);
});

test('another graph gives no likelihood', async () => {
  const parts = await openTiny(await tinyModel());
  await expect(runLikelihood(parts, tokens, { patterns: 'dense' })).rejects.toMatchObject({
    code: 'USAGE',
    message: 'expected the likelihood graph, found the prefill graph',
  });
});
