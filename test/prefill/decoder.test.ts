import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { HeadPattern } from '../../src/patterns/head-pattern.js';
import { compareWithDense } from '../../src/prefill/compare.js';
import { Decoder, type DecoderOptions } from '../../src/prefill/decoder.js';
import { argmax } from '../../src/prefill/logits.js';
import { someTokens, tinyModel } from './helpers.js';

async function open(options: DecoderOptions = {}): Promise<Decoder> {
  const decoder = await Decoder.open({ model: await tinyModel(), device: 'cpu', ...options });
  onTestFinished(() => decoder.dispose());
  return decoder;
}

const tokens = someTokens(200);

test('opens, prefills, reports', async () => {
  const decoder = await open();
  expect(decoder.layers).toHaveLength(2);
  expect(decoder.fingerprint).toMatch(/[0-9a-f]{32}/);
  expect(decoder.loadMs).toBeGreaterThan(0);
  const chunks: number[] = [];
  const result = await decoder.prefill(tokens, {
    patterns: 'dense',
    chunk: 128,
    onChunk: ({ index, count, rows }) => chunks.push(index, count, rows),
  });
  using _ = result.cache;
  expect(chunks).toEqual([0, 2, 128, 1, 2, 72]);
  expect(result.tokens).toBe(200);
  expect(result.logits).toHaveLength(272);
  expect(result.cache.length).toBe(200);
  const { totalMs, tokensPerSecond, indexMs, attentionMs, restMs } = result.timings;
  expect(tokensPerSecond).toBeCloseTo((200 / totalMs) * 1000, 3);
  expect(indexMs! + attentionMs! + restMs!).toBeCloseTo(totalMs, 3);
  expect(attentionMs).toBeGreaterThan(0);
  expect(result.peakMemoryBytes).toBeGreaterThan(2 ** 24);
});

test.each(['prefill', 'original'] as const)(
  'a Hub cache, all links into one folder, loads: %s graph',
  async (graph) => {
    const folder = await tinyModel({ externalData: { location: 'model.onnx_data', minBytes: 16 } });
    const blobs = join(folder, 'blobs');
    const snapshot = join(folder, 'snapshots', 'main');
    mkdirSync(blobs);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const place = join(snapshot, relative(folder, entry.parentPath));
      mkdirSync(place, { recursive: true });
      cpSync(join(entry.parentPath, entry.name), join(blobs, `hash-${entry.name}`));
      symlinkSync(relative(place, join(blobs, `hash-${entry.name}`)), join(place, entry.name));
    }
    const [copy, links] = [await open({ model: folder, graph }), await open({ model: snapshot, graph })];
    expect(links.fingerprint).toBe(copy.fingerprint);
    const [expected, found] = [
      await copy.prefill(tokens, { patterns: 'dense' }),
      await links.prefill(tokens, { patterns: 'dense' }),
    ];
    expect(found.logits).toEqual(expected.logits);
    for (const { cache } of [expected, found]) cache.dispose();
  },
);

test('the original graph has no split, and takes no patterns', async () => {
  const decoder = await open({ graph: 'original' });
  const { timings, cache } = await decoder.prefill(tokens, { patterns: 'dense' });
  cache.dispose();
  expect(timings).toMatchObject({ indexMs: null, attentionMs: null, restMs: null });
  await expect(decoder.prefill(tokens, { patterns: [] })).rejects.toMatchObject({ code: 'USAGE' });
});

test('greedy decoding equals prefilling the longer prompt token by token, past the reserved room too', async () => {
  const decoder = await open();
  const prefill = await decoder.prefill(tokens, { patterns: 'dense', maxNewTokens: 0 });
  using _ = prefill.cache;
  const seen: number[] = [];
  const { tokens: answer, stopped } = await decoder.generate(prefill, {
    maxNewTokens: 12,
    stopTokenIds: [],
    onToken: ({ id }) => seen.push(id),
  });
  expect(stopped).toBe('length');
  expect(answer).toEqual(seen);
  const sequence = [...tokens];
  for (const id of answer) {
    const { logits, cache } = await decoder.prefill(sequence, { patterns: 'dense' });
    cache.dispose();
    expect(id).toBe(argmax(logits));
    sequence.push(id);
  }
});

test('several answers from one prefill, from a shared and from a growing cache', async () => {
  for (const graph of ['prefill', 'original'] as const) {
    const decoder = await open({ graph });
    const prefill = await decoder.prefill(tokens, { patterns: 'dense' });
    using _ = prefill.cache;
    const options = { maxNewTokens: 8, stopTokenIds: [] };
    const first = await decoder.generate(prefill, options);
    const second = await decoder.generate(prefill, options);
    expect(second.tokens).toEqual(first.tokens);
    expect(prefill.cache.length).toBe(200);
  }
});

test('stop tokens, the signal and the end of the context end an answer', async () => {
  const decoder = await open();
  const prefill = await decoder.prefill(tokens, { patterns: 'dense' });
  using _ = prefill.cache;
  const { tokens: free } = await decoder.generate(prefill, { maxNewTokens: 4, stopTokenIds: [] });
  const stop = Math.max(
    0,
    free.findIndex((id, index) => index > 0 && free.indexOf(id) === index),
  );
  const ended = await decoder.generate(prefill, { maxNewTokens: 4, stopTokenIds: [free[stop]!] });
  expect(ended).toMatchObject({ stopped: 'eos', tokens: free.slice(0, stop) });

  const controller = new AbortController();
  const aborted = await decoder.generate(prefill, {
    maxNewTokens: 50,
    stopTokenIds: [],
    signal: controller.signal,
    onToken: ({ index }) => index === 2 && controller.abort(),
  });
  expect(aborted.stopped).toBe('signal');
  expect(aborted.tokens).toHaveLength(3);

  const full = await decoder.prefill(someTokens(510), { patterns: 'dense' });
  using __ = full.cache;
  const { tokens: last, stopped } = await decoder.generate(full, { maxNewTokens: 50, stopTokenIds: [] });
  // 512 positions: two more tokens enter the cache, the third is only read off the logits.
  expect([last.length, stopped]).toEqual([3, 'context']);
});

test('bad prompts', async () => {
  const decoder = await open();
  const run = (ids: number[]) => decoder.prefill(ids, { patterns: 'dense' });
  await expect(run([])).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  await expect(run([1, 272])).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: /found 272/ });
  await expect(run([1, -1])).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  await expect(run([1, 1.5])).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  const error = await run(someTokens(513)).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'PROMPT_TOO_LONG' });
  expect(error.message).toMatch(/at most 512 tokens .*found 513/);
  expect(error.hint).toMatch(/Shorten the prompt by 1 tokens/);
});

test('patterns for another shape', async () => {
  const decoder = await open();
  const dense: HeadPattern = { type: 'dense' };
  const run = (patterns: HeadPattern[][]) => decoder.prefill(tokens, { patterns });
  await expect(run([[dense, dense, dense, dense]])).rejects.toMatchObject({
    code: 'PATTERNS_MISMATCH',
    message: 'expected patterns of 2 layers, found 1',
  });
  await expect(run([[dense, dense, dense, dense], [dense]])).rejects.toThrow(
    'layer 1: expected patterns of 4 heads, found 1',
  );
});

test('too little memory is refused with numbers, before anything is allocated', async () => {
  const decoder = await open();
  await expect(decoder.prefill(tokens, { patterns: 'dense', memoryBytes: 1000 })).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
    message: expect.stringMatching(/200 tokens: .* for the KV cache/),
  });
});

test('a signal stops before the first run and between chunks', async () => {
  const decoder = await open();
  await expect(decoder.prefill(tokens, { patterns: 'dense', signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  const controller = new AbortController();
  let chunks = 0;
  await expect(
    decoder.prefill(tokens, {
      patterns: 'dense',
      chunk: 64,
      signal: controller.signal,
      onChunk: () => {
        chunks++;
        controller.abort();
      },
    }),
  ).rejects.toMatchObject({ code: 'ABORTED' });
  expect(chunks).toBe(1);
});

test('compare with dense', async () => {
  const decoder = await open();
  const full: HeadPattern = { type: 'a_shape', sink: 0, window: 1000 };
  const patterns = decoder.layers.map(({ numHeads }) => Array.from({ length: numHeads }, () => full));
  const runs = new Set<string>();
  const same = await compareWithDense(decoder, tokens, {
    patterns,
    maxNewTokens: 4,
    onProgress: (run) => runs.add(run),
  });
  expect([...runs]).toEqual(['sparse', 'dense']);
  expect(same).toMatchObject({ top1Agrees: true, sameText: true });
  expect(same.kl).toBeLessThan(1e-6);
  expect(same.speedup).toBeCloseTo(same.dense.timings.totalMs / same.sparse.timings.totalMs, 6);
  const narrow: HeadPattern = { type: 'a_shape', sink: 1, window: 1 };
  const long = someTokens(500);
  const other = await compareWithDense(decoder, long, {
    patterns: patterns.map((heads) => heads.map(() => narrow)),
    maxNewTokens: 1,
  });
  expect(other.kl).toBeGreaterThan(same.kl);
});

test('the probe graph scores candidates of every head', async () => {
  const decoder = await open({ graph: 'probe' });
  const rows = [
    [0, 0, 0, 1],
    [1, 4, 32, 1],
    [1, 4, 300, 1],
  ] as const;
  const common = { rows, budgetFlops: 1e6 };
  const { scores } = await decoder.probe(someTokens(400), { layers: [common, common] });
  expect(scores).toHaveLength(2);
  expect(scores[0]).toHaveLength(4);
  for (const head of scores.flat()) {
    const [dense, narrow, wide] = head;
    expect(dense!.errorAll).toBeLessThan(1e-5);
    expect(dense!.massRecall).toBeCloseTo(1, 5);
    expect(narrow!.massRecall).toBeLessThan(wide!.massRecall);
    expect(narrow!.flops).toBeLessThan(wide!.flops);
    expect(narrow).toMatchObject({ a: 4, b: 32 });
  }
  // One candidate of its own for every head gives what it gives among others.
  const own = { rows: [rows[1], rows[2], rows[2], rows[1]], perHead: true, budgetFlops: 1e6 };
  const alone = (await decoder.probe(someTokens(400), { layers: [own, { rows: [], budgetFlops: 1 }] })).scores;
  expect(alone[0]!.map((head) => head.map(({ errorAll, flops }) => [errorAll, flops]))).toEqual(
    [1, 2, 2, 1].map((candidate, head) => {
      const { errorAll, flops } = scores[0]![head]![candidate]!;
      return [[errorAll, flops]];
    }),
  );
  expect(alone[1]).toEqual([[], [], [], []]);
  const plain = await open();
  await expect(plain.probe(tokens, { layers: [common, common] })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('a configuration of another model', async () => {
  const folder = await tinyModel({}, 'transformers');
  const file = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  const openWith = (change: object) => {
    writeFileSync(file, JSON.stringify({ ...config, ...change }));
    return Decoder.open({ model: folder, device: 'cpu' });
  };
  await expect(openWith({ num_hidden_layers: 1 })).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: /says 1 layers, .* has 2/,
  });
  await expect(openWith({ num_attention_heads: 2 })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  await expect(openWith({ head_dim: 8 })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

test('a configuration that promises more positions than the graph has', async () => {
  const folder = await tinyModel();
  const file = join(folder, 'genai_config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"context_length": \d+/, '"context_length": 100000'));
  const decoder = await open({ model: folder });
  expect(decoder.directory.config.contextLength).toBe(512);
  await expect(decoder.prefill(someTokens(513), { patterns: 'dense' })).rejects.toMatchObject({
    code: 'PROMPT_TOO_LONG',
  });
});

test('genai_config.json with names that the graph does not have', async () => {
  const folder = await tinyModel();
  const file = join(folder, 'genai_config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('present.%d.key', 'presents.%d.key'));
  await expect(Decoder.open({ model: folder, device: 'cpu' })).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/"presents\.0\.key"/),
  });
});
