import { describe, expect, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { lastRow } from '../../src/prefill/logits.js';
import { patternFeeds } from '../../src/prefill/pattern-feeds.js';
import { runPrefill } from '../../src/prefill/prefill.js';
import { runStep } from '../../src/prefill/run-step.js';
import { lastLogits, maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const TOLERANCE = 1e-4;
const tokens = someTokens(301);
const base = { numLayers: 4 } as const;
const window = { size: 40, layers: [0, 2] };

/** Models as exporters write them, with the layers that our ops take over. */
const models: [string, DecoderSpec, number[]][] = [
  [
    'gpt-oss: sinks, every other layer windowed',
    { layerKinds: { 0: 'sinks', 1: 'sinks', 2: 'sinks', 3: 'sinks' }, slidingWindow: window },
    [0, 1, 2, 3],
  ],
  ['smooth softmax', { layerKinds: { 1: 'smooth', 2: 'smooth' }, slidingWindow: window }, [0, 3]],
  ['Gemma 4: layers that share keys and values', { layerKinds: { 2: 'shared', 3: 'shared' } }, [0, 1]],
  ['LFM2: short convolutions', { layerKinds: { 0: 'conv', 2: 'conv' } }, [1, 3]],
  ['Qwen3.5: linear attention', { layerKinds: { 0: 'linear', 1: 'linear', 2: 'linear' } }, [3]],
  ['decomposed: a bias that depends on data', { style: 'optimum', layerKinds: { 1: 'biased' } }, [0, 2, 3]],
  [
    'decomposed: layers that share keys and values',
    { style: 'optimum', layerKinds: { 2: 'shared', 3: 'shared' } },
    [0, 1],
  ],
  [
    'decomposed: caches cut to a window',
    { style: 'optimum', layerKinds: { 1: 'sliding', 2: 'sliding' }, slidingWindow: { size: 40, layers: [1, 2] } },
    [0, 3],
  ],
];

describe.each(models)('%s', (_, spec, ours) => {
  test('dense logits are those of plain ONNX Runtime: whole, in chunks, and step by step', async () => {
    const folder = await tinyModel({ ...base, ...spec });
    const original = await openTiny(folder, { graph: 'original' });
    const parts = await openTiny(folder);
    expect(parts.layers.map(({ layer }) => layer)).toEqual(ours);
    expect(parts.numLayers).toBe(4);
    expect(parts.leftAlone.map(({ layer }) => layer)).toEqual([0, 1, 2, 3].filter((layer) => !ours.includes(layer)));
    const expected = await lastLogits(original, tokens);
    expect(Math.max(...expected)).toBeGreaterThan(10 * TOLERANCE);
    for (const chunk of [tokens.length, 100, 64, 7]) {
      expect(maxDifference(await lastLogits(parts, tokens, { chunk }), expected), `chunks of ${chunk}`).toBeLessThan(
        TOLERANCE,
      );
      expect(maxDifference(await lastLogits(original, tokens, { chunk }), expected), `original, ${chunk}`).toBeLessThan(
        TOLERANCE,
      );
    }
    const { cache } = await runPrefill(parts, tokens.slice(0, -3), { patterns: 'dense', maxNewTokens: 3, chunk: 100 });
    using _cache = cache;
    // Two answers from one prompt: what the first does to its cache is nothing to the second.
    for (const answer of [[5, 6, 7], tokens.slice(-3)]) {
      using fork = cache.fork();
      let logits = new Float32Array();
      for (const token of answer) {
        const step = await runStep(parts, { tokens: [token], cache: fork, feeds: patternFeeds(parts, 'dense') });
        logits = lastRow(step.logits) as Float32Array<ArrayBuffer>;
      }
      const whole = await lastLogits(original, [...tokens.slice(0, -3), ...answer]);
      expect(maxDifference(logits, whole), `answer ${answer}`).toBeLessThan(TOLERANCE);
    }
  });
});
