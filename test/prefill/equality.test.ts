import { describe, expect, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import type { ModelLayout } from '../../models/builder/write-model-directory.js';
import type { HeadPattern } from '../../src/patterns/head-pattern.js';
import { lastRow } from '../../src/prefill/logits.js';
import { patternFeeds } from '../../src/prefill/pattern-feeds.js';
import { runPrefill } from '../../src/prefill/prefill.js';
import { runStep } from '../../src/prefill/run-step.js';
import { lastLogits, maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const TOLERANCE = 1e-4;
const tokens = someTokens(301);

const models: [string, DecoderSpec, ModelLayout?][] = [
  ['genai, packed QKV', { style: 'genai' }],
  ['genai, separate q, k, v, external data off', { style: 'genai', packedQkv: false, externalData: false }],
  ['genai in the transformers.js layout', { style: 'genai', numHeads: 8, numKvHeads: 1 }, 'transformers'],
  ['genai, 4 bits', { style: 'genai', dtype: 'int4', hiddenSize: 64 }],
  ['Optimum', { style: 'optimum' }, 'optimum'],
  ['MultiHeadAttention', { style: 'mha', numKvHeads: 4 }, 'transformers'],
  ['opset-23 Attention', { style: 'attention23' }, 'transformers'],
];

describe.each(models)('%s', (_, spec, layout) => {
  // The mask that onnxruntime-genai writes for MultiHeadAttention covers the new tokens alone: its own graph cannot take
  // several tokens after a past. Rewritten, it can.
  const chunkable = spec.style === 'mha' ? (['prefill'] as const) : (['prefill', 'original'] as const);

  test('all heads dense equals the original graph under plain ONNX Runtime', async () => {
    const folder = await tinyModel(spec, layout);
    const original = await lastLogits(await openTiny(folder, { graph: 'original' }), tokens);
    const ours = await lastLogits(await openTiny(folder), tokens);
    expect(maxDifference(ours, original)).toBeLessThan(TOLERANCE);
    expect(Math.max(...original)).toBeGreaterThan(10 * TOLERANCE);
  });

  test('chunked equals whole, in our graph and in an original that takes chunks', async () => {
    const folder = await tinyModel(spec, layout);
    for (const graph of chunkable) {
      const parts = await openTiny(folder, { graph });
      const whole = await lastLogits(parts, tokens);
      for (const chunk of [1, 7, 64, 100, 300]) {
        const chunked = await lastLogits(parts, tokens, { chunk });
        expect(maxDifference(chunked, whole), `${graph}, chunks of ${chunk}`).toBeLessThan(TOLERANCE);
      }
    }
  });

  test('a decode step after a prefill equals the prefill of the longer prompt', async () => {
    const folder = await tinyModel(spec, layout);
    for (const graph of ['prefill', 'original'] as const) {
      const parts = await openTiny(folder, { graph });
      const { cache } = await runPrefill(parts, tokens.slice(0, -1), { patterns: 'dense', maxNewTokens: 1 });
      using _ = cache;
      const step = await runStep(parts, { tokens: tokens.slice(-1), cache, feeds: patternFeeds(parts, 'dense') });
      expect(cache.length).toBe(tokens.length);
      expect(maxDifference(lastRow(step.logits), await lastLogits(parts, tokens)), graph).toBeLessThan(TOLERANCE);
    }
  });

  test('patterns with a full budget equal dense, also in chunks', async () => {
    const folder = await tinyModel(spec, layout);
    const parts = await openTiny(folder);
    const full: HeadPattern[] = [
      { type: 'a_shape', sink: 0, window: tokens.length },
      { type: 'vertical_slash', vertical: tokens.length, slash: tokens.length },
      { type: 'block_sparse', blocks: 1000 },
      { type: 'dense' },
    ];
    const patterns = parts.layers.map((layer) => Array.from({ length: layer.numHeads }, (_, head) => full[head % 4]!));
    const dense = await lastLogits(parts, tokens);
    expect(maxDifference(await lastLogits(parts, tokens, { patterns }), dense)).toBeLessThan(TOLERANCE);
    expect(maxDifference(await lastLogits(parts, tokens, { patterns, chunk: 100 }), dense)).toBeLessThan(TOLERANCE);
  });

  test('sparse patterns change the logits', async () => {
    const folder = await tinyModel(spec, layout);
    const parts = await openTiny(folder);
    const narrow: HeadPattern = { type: 'a_shape', sink: 1, window: 1 };
    const patterns = parts.layers.map((layer) => Array.from({ length: layer.numHeads }, () => narrow));
    const long = someTokens(500);
    const sparse = await lastLogits(parts, long, { patterns });
    expect(maxDifference(sparse, await lastLogits(parts, long))).toBeGreaterThan(TOLERANCE);
  });
});

test('a cache allocated once equals one that grows run by run', async () => {
  const folder = await tinyModel();
  for (const graph of ['prefill', 'original'] as const) {
    const shared = await openTiny(folder, { graph });
    const growing = await openTiny(folder, { graph, shared: false });
    for (const chunk of [tokens.length, 64]) {
      const difference = maxDifference(
        await lastLogits(shared, tokens, { chunk }),
        await lastLogits(growing, tokens, { chunk }),
      );
      expect(difference, `${graph}, chunks of ${chunk}`).toBeLessThan(1e-6);
    }
  }
});

test("logits: 'all' gives every row, and its last one is the result", async () => {
  const parts = await openTiny(await tinyModel(), { logits: 'all' });
  const rows: number[] = [];
  const all: Float32Array[] = [];
  const { logits, cache } = await runPrefill(parts, tokens, {
    patterns: 'dense',
    chunk: 128,
    onChunk: (chunk) => {
      rows.push(chunk.logits.rows);
      all.push(chunk.logits.data);
    },
  });
  cache.dispose();
  expect(rows).toEqual([128, 109, 64]);
  expect(all[0]!.length).toBe(128 * 272);
  expect(maxDifference(all[2]!.slice(-272), logits)).toBe(0);
  const short = await lastLogits(parts, tokens.slice(0, 10));
  expect(maxDifference(all[0]!.slice(9 * 272, 10 * 272), short)).toBeLessThan(TOLERANCE);
});

test('float16 caches and activations', async () => {
  const folder = await tinyModel({ dtype: 'fp16' });
  const ours = await lastLogits(await openTiny(folder), tokens);
  const original = await lastLogits(await openTiny(folder, { graph: 'original' }), tokens);
  const scale = Math.max(...original.map(Math.abs));
  expect(maxDifference(ours, original)).toBeLessThan(0.02 * scale);
});
