import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import type { RunOptions } from '../../src/eval/evaluate-suite.js';
import { evaluatePerplexity } from '../../src/eval/ppl/evaluate.js';
import { evaluateDocuments } from '../../src/eval/ppl/evaluate-documents.js';
import type { PplOptions } from '../../src/eval/ppl/options.js';
import { pplSchema } from '../../src/eval/ppl/results.js';
import { elementsOf } from '../plot/well-formed.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { BOS, type FakeLikelihood, fakeLikelihood } from './helpers/fake-likelihood.js';

const facts = { geometry: { blockM: 64, blockN: 64, keyAlign: 16 }, threads: null };

/** A folder of files by name. */
function textsOf(files: Record<string, string | Uint8Array>): string {
  const folder = join(temporaryFolder(), 'texts');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** As results round it. */
const ROOT_2 = Number(Math.SQRT2.toPrecision(6));

const TWO_TEXTS = { '2.txt': '2'.repeat(300), '10.txt': '8'.repeat(500) };

const run = (options: PplOptions & RunOptions, fake: FakeLikelihood = fakeLikelihood(), signal?: AbortSignal) =>
  evaluateDocuments(fake.decoder, { methods: 'dense,a_shape:16,84', ...options, ...facts }, signal ? { signal } : {});

describe('perplexity', () => {
  it('is the mean of the documents’, and of all tokens; differences are paired', async () => {
    const { results } = await run({ texts: textsOf(TWO_TEXTS), lengths: [101, 201] });
    const row = (length: number, method: string) =>
      results.rows.find((row) => row.length === length && row.method === method)!;
    // A die of two sides and one of eight: 5 on average, 4 as the geometric mean that tokens make.
    expect(row(101, 'dense')).toEqual({
      length: 101,
      method: 'dense',
      documents: 2,
      tokens: 200,
      perplexity: 5,
      perplexity_by_token: 4,
      difference: null,
      difference_low: null,
      difference_high: null,
      ratio: null,
      ratio_low: null,
      ratio_high: null,
      failed: 0,
      windows: 1,
      computed: 1,
      prefill_ms: 10,
      speedup: null,
    });
    // 16 + 84 tokens before a token are seen whole.
    expect(row(101, 'a_shape:16,84')).toMatchObject({ perplexity: 5, perplexity_by_token: 4, difference: 0, ratio: 1 });
    // Half of the 200 tokens is half as likely: both perplexities are √2 times as large, by 0.828 and 3.314.
    const sparse = row(201, 'a_shape:16,84');
    expect(sparse).toMatchObject({ perplexity: 7.07107, perplexity_by_token: 5.65685, ratio: ROOT_2, speedup: 2 });
    expect(sparse.difference).toBeCloseTo(5 * (Math.SQRT2 - 1), 4);
    // t = 12.706 of one degree of freedom, times the standard error (3.314 − 0.828) / 2.
    expect(sparse.difference_high! - sparse.difference!).toBeCloseTo(12.7062 * 3 * (Math.SQRT2 - 1), 3);
    expect([sparse.ratio_low, sparse.ratio_high]).toEqual([ROOT_2, ROOT_2]);
    expect(sparse.computed).toBe(0.25);
  });

  it('reads the same tokens with every method, which take turns, and lets none run dense', async () => {
    const fake = fakeLikelihood();
    const texts = textsOf(TWO_TEXTS);
    await run({ texts, lengths: [101, 201] }, fake);
    expect(fake.calls).toHaveLength(8);
    for (let call = 0; call < 8; call += 2) expect(fake.calls[call]!.tokens).toEqual(fake.calls[call + 1]!.tokens);
    const first = fake.calls.filter((_, call) => call % 2 === 0).map(({ patterns }) => patterns === 'dense');
    expect(first).toEqual([true, false, false, true]);
    expect(new Set(fake.calls.map(({ allowDense }) => allowDense))).toEqual(new Set([false]));
    expect(fake.calls[0]!.tokens.slice(0, 3)).toEqual([BOS, 50, 50]);
    const allowed = fakeLikelihood();
    await run({ texts, lengths: [101], allowDense: true }, allowed);
    expect(allowed.calls[0]!.allowDense).toBe(true);
  });

  it('slides where a length is beyond the window, each window with its BOS, each token once', async () => {
    const fake = fakeLikelihood({ contextLength: 100 });
    const { results } = await run(
      { texts: textsOf(TWO_TEXTS), lengths: [50, 201], stride: 30, methods: 'dense' },
      fake,
    );
    const windows = fake.calls.filter(({ tokens }) => tokens.length > 50).map(({ tokens }) => tokens);
    // To 100, 130, 160, 190 and 201 of both documents.
    expect(windows.map(({ length }) => length)).toEqual([100, 100, 100, 100, 81, 100, 100, 100, 100, 81]);
    expect(windows.every(([first]) => first === BOS)).toBe(true);
    expect(results.rows.map(({ length, windows, tokens }) => [length, windows, tokens])).toEqual([
      [50, 1, 98],
      [201, 5, 400],
    ]);
    expect(results.rows[1]).toMatchObject({ perplexity: 5, perplexity_by_token: 4, prefill_ms: 50 });
    expect(results.options).toMatchObject({ window: 100, stride: 30, prefix: [BOS] });
  });
});

describe('documents', () => {
  it('that are shorter than the longest length, or there twice, are named and never counted', async () => {
    const texts = textsOf({ ...TWO_TEXTS, '1.txt': '3'.repeat(60), '3.txt': '2'.repeat(300), 'note.pdf': 'x' });
    const { results } = await run({ texts, lengths: [50, 201], documents: 5 });
    expect(results.data).toMatchObject({
      name: 'texts',
      documents: [
        { name: '2.txt', tokens: 301 },
        { name: '10.txt', tokens: 501 },
      ],
      skipped: [
        { name: '1.txt', tokens: 61, reason: 'shorter than the longest length of 201 tokens' },
        { name: '3.txt', tokens: 301, reason: 'the same text as another document' },
      ],
    });
    // Also at the length that it has: curves compare the same documents.
    expect(results.rows.map(({ documents }) => documents)).toEqual([2, 2, 2, 2]);
  });

  it('come in the order of their numbers, as many as were asked for', async () => {
    const { results } = await run({ texts: textsOf(TWO_TEXTS), lengths: [201], documents: 1 });
    expect(results.data.documents.map(({ name }) => name)).toEqual(['2.txt']);
    expect(results.rows[1]).toMatchObject({ difference_low: null, ratio_low: null, documents: 1 });
  });

  it('are read from JSON lines and gzip, by their own names', async () => {
    const lines = [{ id: 'two', text: '2'.repeat(300) }, { text: '4'.repeat(300) }];
    const texts = textsOf({ 'a.jsonl.gz': gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')) });
    const one = await run({ texts: join(texts, 'a.jsonl.gz'), lengths: [101] });
    expect(one.results.data.documents.map(({ name }) => name)).toEqual(['two', 'line 2']);
    writeFileSync(join(texts, 'b.json'), JSON.stringify({ text: '8'.repeat(300) }));
    const all = await run({ texts, lengths: [101] });
    expect(all.results.data.documents.map(({ name }) => name)).toEqual([
      'a.jsonl.gz: two',
      'a.jsonl.gz: line 2',
      'b.json',
    ]);
  });

  it.each<[string, Record<string, string | Uint8Array>, object]>([
    [
      'none',
      {},
      {
        code: 'DATASET_INVALID',
        message: expect.stringMatching(/^expected texts \(.*\) in the folder .*, found none$/),
      },
    ],
    [
      'short ones',
      { 'a.txt': '1'.repeat(9), 'b.txt': '1'.repeat(90) },
      {
        code: 'DATASET_INVALID',
        message: 'expected documents of at least 101 tokens in texts, found the longest with 91 (b.txt)',
        hint: 'give longer texts, or --lengths below 101',
      },
    ],
    [
      'broken lines',
      { 'a.jsonl': `${JSON.stringify({ text: '1' })}\n{"id": 3}\n` },
      { code: 'DATASET_INVALID', message: expect.stringContaining('a.jsonl, line 2: ') },
    ],
    [
      'gzip files that are none',
      { 'a.jsonl.gz': 'plain' },
      {
        code: 'READ_FAILED',
        message: expect.stringMatching(/a\.jsonl\.gz: cannot be read \(incorrect header check\)/),
      },
    ],
    [
      'no text',
      { 'a.txt': Uint8Array.of(0xff, 0xfe, 0xff) },
      { code: 'DATASET_INVALID', message: expect.stringContaining('a.txt') },
    ],
  ])('%s are an error that says so', async (_, files, error) => {
    await expect(run({ texts: textsOf(files), lengths: [101] })).rejects.toMatchObject(error);
  });

  it('of no path are an error that says so', async () => {
    await expect(run({ texts: '/nonexistent/texts', lengths: [101] })).rejects.toMatchObject({
      code: 'READ_FAILED',
      message: 'expected a file at /nonexistent/texts, found none',
    });
  });
});

it('a method that fails at a length is named, and counts in no mean', async () => {
  const fake = fakeLikelihood({
    onCall: (_, tokens) => {
      if (tokens.length > 200) throw new MinferenceError('OUT_OF_MEMORY', 'expected memory');
    },
  });
  const { results, measurements } = await run(
    { texts: textsOf(TWO_TEXTS), lengths: [101, 201], methods: 'dense' },
    fake,
  );
  expect(results.rows.map(({ length }) => length)).toEqual([101]);
  expect(results.failures.map(({ document, skipped }) => [document, skipped])).toEqual([
    ['2.txt', false],
    ['10.txt', true],
  ]);
  expect(measurements).toEqual({ total: 4, resumed: 0, failed: 2 });
});

describe('a folder of results', () => {
  const options = { lengths: [101, 201] };

  it('holds results that their schema reads back, predictions and a picture', async () => {
    const out = join(temporaryFolder(), 'results');
    const { results, files, curves } = await run({ ...options, texts: textsOf(TWO_TEXTS), out });
    expect(pplSchema.parse(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')))).toEqual(results);
    const names = ['curves.svg', 'predictions.jsonl', 'results.json'];
    expect(readdirSync(out).sort()).toEqual(names);
    expect([...files].sort()).toEqual(names.map((name) => join(out, name)));
    expect(readFileSync(join(out, 'predictions.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(1 + 8);
    expect(elementsOf(curves)[0]).toBe('svg');
    for (const title of ['Perplexity', 'Difference to dense', 'Prefill speed']) expect(curves).toContain(`>${title}<`);
  });

  it('is gone on with after an interruption, and by more documents, lengths and methods', async () => {
    const out = join(temporaryFolder(), 'results');
    const texts = textsOf(TWO_TEXTS);
    const controller = new AbortController();
    const stopped = fakeLikelihood({ onCall: (call) => call === 4 && controller.abort() });
    await expect(run({ ...options, texts, out }, stopped, controller.signal)).rejects.toMatchObject({
      code: 'ABORTED',
      hint: expect.stringMatching(/^3 of 8 measurements are kept in .*predictions\.jsonl: run the same command again/),
    });
    const rest = fakeLikelihood();
    const finished = await run({ ...options, texts, out }, rest);
    expect(finished.measurements).toEqual({ total: 8, resumed: 3, failed: 0 });
    expect(rest.calls).toHaveLength(5);
    expect(finished.results.rows).toEqual((await run({ ...options, texts })).results.rows);

    writeFileSync(join(texts, '0.txt'), '4'.repeat(300));
    const more = await run({ lengths: [51, 101, 201], methods: 'dense,a_shape:16,84,a_shape:16,32', texts, out });
    expect(more.measurements).toEqual({ total: 27, resumed: 8, failed: 0 });
  });

  it('of another configuration is refused with what differs', async () => {
    const out = join(temporaryFolder(), 'results');
    const texts = textsOf(TWO_TEXTS);
    await run({ lengths: [101], texts, out });
    await expect(run({ lengths: [101], texts, out, stride: 7 })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/found those of another: stride 2048, now 7$/),
    });
    await expect(run({ lengths: [101], texts, out }, fakeLikelihood({ fingerprint: 'other' }))).rejects.toThrow(
      /fingerprint sha256:fake, now other/,
    );
    const anew = await run({ lengths: [101], texts, out, stride: 7, resume: false });
    expect(anew.measurements.resumed).toBe(0);
  });
});

it.each([
  [{ window: 5000 }, "expected a window of at most 4096 tokens (the model's positions), found 5000"],
  [{ window: 100, stride: 100 }, 'expected a stride below the window of 100 tokens, found 100'],
])('%j is refused', async (options, message) => {
  await expect(run(options)).rejects.toMatchObject({ code: 'USAGE', message });
});

it('refuses options that would do nothing', async () => {
  for (const options of [{ kv: 'snapkv' }, { equalCost: 0.1 }]) {
    await expect(evaluatePerplexity(options as object)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(Object.keys(options)[0]!),
    });
  }
});

it('refuses methods that would have to be fitted to a cost, and takes their publications’ sizes', async () => {
  const options = { texts: textsOf(TWO_TEXTS), lengths: [101], methods: 'dense,streaming-llm' };
  await expect(run(options)).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--budgets paper') });
  const { results } = await run({ ...options, budgets: 'paper' });
  expect(results.rows.map(({ method }) => method)).toEqual(['dense', 'streaming_llm']);
});
