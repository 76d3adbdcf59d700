import { expect, onTestFinished, test } from 'vitest';
import { makeIndex } from '../../src/patterns/explicit-index.js';
import type { HeadChoice } from '../../src/patterns/head-choice.js';
import { Decoder } from '../../src/prefill/decoder.js';
import type { DecoderParts } from '../../src/prefill/decoder-parts.js';
import { indexTensors } from '../../src/prefill/index-feeds.js';
import { keptFeeds } from '../../src/prefill/kept-kv.js';
import { lastRow } from '../../src/prefill/logits.js';
import { patternFeeds } from '../../src/prefill/pattern-feeds.js';
import { type PrefillOptions, type PrefillResult, runPrefill } from '../../src/prefill/prefill.js';
import { runStep } from '../../src/prefill/run-step.js';
import { maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const ANSWER = [5, 200, 17];
const open = async (options: Parameters<typeof openTiny>[1] = {}, spec: Parameters<typeof tinyModel>[0] = {}) =>
  openTiny(await tinyModel({ maxPositions: 2048, ...spec }), { indices: true, ...options });

async function prefilled(parts: DecoderParts, rows: number, options: Partial<PrefillOptions> = {}) {
  const result = await runPrefill(parts, someTokens(rows), { patterns: 'dense', ...options });
  onTestFinished(() => result.cache.dispose());
  return result;
}

/** Logits of every step of a given answer. */
async function decode(parts: DecoderParts, { cache: filled }: PrefillResult, feedsAt: (past: number) => object) {
  const cache = await filled.fork();
  const logits: Float32Array[] = [];
  for (const id of ANSWER) {
    await cache.reserve(1);
    const feeds = feedsAt(cache.length) as Parameters<typeof runStep>[1]['feeds'];
    logits.push(lastRow((await runStep(parts, { tokens: [id], cache, feeds })).logits));
  }
  cache.dispose();
  return logits;
}

function decodeKept(parts: DecoderParts, prefill: PrefillResult) {
  const feeds = keptFeeds(parts, prefill.kept!, prefill.tokens);
  onTestFinished(() => feeds[Symbol.dispose]());
  return decode(parts, prefill, (past) => feeds.at(past));
}

/** The same keys, each by itself. */
function decodeSingleKeys(parts: DecoderParts, prefill: PrefillResult) {
  const patterns = prefill.kept!.map((heads) => heads.map((index): HeadChoice => ({ type: 'explicit', index })));
  return decode(parts, prefill, (past) => {
    const feeds = patternFeeds(parts, patterns, { allowDense: false });
    for (const { layer, indices } of parts.layers) {
      const blocks = prefill.kept![layer]!.map(({ ranges, columns }) => {
        const tail = Array.from({ length: past + 1 - ranges[0]! }, (_, i) => ranges[0]! + i);
        return { ranges: [], columns: [...Array.from(columns), ...tail] };
      });
      for (const [port, tensor] of indexTensors(makeIndex(blocks)).entries()) feeds[indices!.inputs[port]!] = tensor;
    }
    return feeds;
  });
}

const decodeDense = (parts: DecoderParts, prefill: PrefillResult) => {
  const feeds = patternFeeds(parts, 'dense');
  return decode(parts, prefill, () => feeds);
};

const worst = (a: Float32Array[], b: Float32Array[]) => Math.max(...a.map((row, i) => maxDifference(row, b[i]!)));

test.each([
  ['a window that begins at a multiple of 64', 512, {}, {}],
  ['one that does not', 500, {}, {}],
  ['one that ends before one', 575, {}, {}],
  ['a cache that grows', 500, { shared: false }, {}],
  ['layers with a window of their own', 500, {}, { numLayers: 2, slidingWindow: { size: 40, layers: [0] } }],
  ['a layer that is left alone', 500, {}, { numLayers: 2, layerKinds: { 0: 'conv' } }],
] as const)('steps see the kept keys and all behind the prompt, and no others: %s', async (_, rows, options, spec) => {
  const parts = await open(options, spec);
  const prefill = await prefilled(parts, rows, { snapKv: 100 });
  const kept = await decodeKept(parts, prefill);
  expect(worst(kept, await decodeSingleKeys(parts, prefill))).toBeLessThan(1e-5);
  expect(worst(kept, await decodeDense(parts, prefill))).toBeGreaterThan(1e-4);
  for (const index of prefill.kept!.flat()) {
    expect(index.ranges).toEqual(Int32Array.of(rows - 64, rows));
    expect(index.columns).toHaveLength(36);
  }
});

test('a prompt that fits is kept whole, one token less is not', async () => {
  const parts = await open();
  expect((await prefilled(parts, 500, { snapKv: 500 })).kept).toBeUndefined();
  const almost = await prefilled(parts, 500, { snapKv: 499 });
  expect(almost.kept!.flat().map(({ columns }) => columns.length)).toContain(435);
});

test('the prefill is the one without, and chunks choose as the whole does', async () => {
  const parts = await open();
  const heads = (choice: HeadChoice) =>
    parts.layers.map(({ numHeads }) => Array.from({ length: numHeads }, (): HeadChoice => choice));
  // Windows are cut by row blocks, which chunks of other sizes shift.
  const cases = [
    { patterns: 'dense', chunks: [128, 250, 449] },
    { patterns: heads({ type: 'a_shape', sink: 64, window: 128 }), chunks: [128, 256] },
  ] as const;
  for (const { patterns, chunks } of cases) {
    const without = await prefilled(parts, 500, { patterns, allowDense: false });
    const whole = await prefilled(parts, 500, { patterns, allowDense: false, snapKv: 150 });
    expect(whole.logits).toEqual(without.logits);
    expect(await decodeDense(parts, whole)).toEqual(await decodeDense(parts, without));
    for (const chunk of chunks) {
      const chunked = await prefilled(parts, 500, { patterns, allowDense: false, snapKv: 150, chunk });
      expect(chunked.kept, `chunks of ${chunk}`).toEqual(whole.kept);
    }
  }
});

test('explicit heads in the prefill have their indices in the last chunk too', async () => {
  const parts = await open();
  const all = makeIndex(Array.from({ length: 8 }, () => ({ ranges: [[0, 500]] })));
  const patterns = parts.layers.map(({ numHeads }) =>
    Array.from({ length: numHeads }, (): HeadChoice => ({ type: 'explicit', index: all })),
  );
  const dense = await prefilled(parts, 500, { snapKv: 150 });
  for (const chunk of [500, 200]) {
    const explicit = await prefilled(parts, 500, { patterns, allowDense: false, snapKv: 150, chunk });
    expect(maxDifference(explicit.logits, dense.logits)).toBeLessThan(1e-5);
    expect(explicit.kept).toEqual(dense.kept);
  }
});

test('generate goes by what the prefill kept', async () => {
  const decoder = await Decoder.open({ model: await tinyModel({ maxPositions: 2048 }), indices: true, device: 'cpu' });
  onTestFinished(() => decoder.dispose());
  const answer = async (snapKv?: number) => {
    const prefill = await decoder.prefill(someTokens(900), { patterns: 'dense', ...(snapKv && { snapKv }) });
    using _cache = prefill.cache;
    return (await decoder.generate(prefill, { maxNewTokens: 40, stopTokenIds: [] })).tokens;
  };
  const dense = await answer();
  expect(dense).toHaveLength(40);
  expect(await answer(900)).toEqual(dense);
  const few = await answer(65);
  expect(few[0]).toBe(dense[0]);
  expect(few).not.toEqual(dense);
  await expect(decoder.prefill(someTokens(70), { patterns: 'dense', snapKv: 64 })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('expected a number of tokens that are kept from 65 to 134217727'),
  });
});

test('graphs without indices, and both kinds of indices at once, are refused', async () => {
  const plain = await openTiny(await tinyModel());
  const parts = await open();
  const tokens = someTokens(100);
  await expect(runPrefill(plain, tokens, { patterns: 'dense', snapKv: 65 })).rejects.toMatchObject({
    code: 'USAGE',
    hint: 'Open the decoder with indices: true.',
  });
  await expect(runPrefill(parts, tokens, { patterns: 'dense', snapKv: 65, giveIndices: true })).rejects.toMatchObject({
    code: 'USAGE',
    message: 'expected giveIndices or snapKv, found both',
  });
});
