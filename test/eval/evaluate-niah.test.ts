import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { evaluateSuite, type RunOptions } from '../../src/eval/evaluate-suite.js';
import { readResults } from '../../src/eval/harness/read-results.js';
import type { NiahOptions } from '../../src/eval/niah/options.js';
import { niahSuite } from '../../src/eval/niah/suite.js';
import { lockOutput } from '../../src/utils/file-lock.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';

const geometry = { blockM: 64, blockN: 64, keyAlign: 16 };
/** A small haystack, so that tests do not each unpack the large one. */
const haystack = join(sharedFolder(), 'small.txt');
writeFileSync(
  haystack,
  Array.from(
    { length: 400 },
    (_, index) => `Sentence number ${index} says that nothing of note is in row ${index % 7}.`,
  ).join(' '),
);

const GRID: NiahOptions = {
  haystack,
  lengths: [1024, 2048],
  depths: [0, 50, 100],
  samples: 2,
  tasks: 'single_1,single_2',
  methods: 'dense,a_shape:64,400',
};

const run = (fake: ReturnType<typeof fakeDecoder>, options: NiahOptions & RunOptions = {}, signal?: AbortSignal) =>
  evaluateSuite(niahSuite, fake.decoder, { ...GRID, ...options, geometry, threads: null }, signal ? { signal } : {});

const predictionsOf = (folder: string) => join(folder, 'predictions.jsonl');

describe('evaluateNiah', () => {
  it('gives every method the same prompts and scores their answers', async () => {
    const fake = fakeDecoder();
    const { results, prompts, answers } = await run(fake);
    expect(answers).toEqual({ total: 48, resumed: 0, failed: 0 });
    expect(fake.calls).toHaveLength(48);
    expect(fake.openCaches()).toBe(0);
    expect(prompts).toHaveLength(24);
    for (const { answers: own, prompt_sha256 } of prompts) {
      expect(own.map(({ method }) => method)).toEqual(['dense', 'a_shape:64,400']);
      expect(prompt_sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    // Two calls after another are the two methods on one prompt.
    for (let call = 0; call < fake.calls.length; call += 2) {
      expect(fake.calls[call]!.tokens).toEqual(fake.calls[call + 1]!.tokens);
    }
    // Both orders occur, so that none always goes first.
    expect(
      new Set(fake.calls.filter((_, call) => call % 2 === 0).map(({ patterns }) => patterns === 'dense')).size,
    ).toBe(2);

    const score = (length: number | null, method: string) =>
      results.aggregates.find((row) => row.length === length && row.method === method);
    expect(score(null, 'dense')).toMatchObject({ n: 24, score: 100, high: 100, difference: null, speedup: null });
    expect(score(1024, 'dense')).toMatchObject({ n: 12, score: 100, prefill_ms: 20, low: expect.closeTo(75.75, 2) });
    // The needle is out of sight in the middle of 2048 tokens, but not at their end.
    expect(score(2048, 'a_shape:64,400')).toMatchObject({ n: 12, speedup: 2, better: 0 });
    const atDepth = (depth: number) =>
      results.cells.find((cell) => cell.length === 2048 && cell.depth === depth && cell.method !== 'dense')!.score;
    expect(atDepth(50)).toBe(0);
    expect(atDepth(100)).toBe(100);
    const lost = score(2048, 'a_shape:64,400')!;
    expect(lost.difference).toBeCloseTo(lost.score - 100, 5);
    expect(lost.worse).toBeCloseTo(12 - (lost.score * 12) / 100, 2);
    expect([lost.difference_low! <= lost.difference!, lost.difference_high! >= lost.difference!]).toEqual([true, true]);
    expect(results.rows.map(({ task }) => task)).toEqual(
      [1024, 2048].flatMap(() => ['niah_single_1', 'niah_single_1', 'niah_single_2', 'niah_single_2']),
    );
  });

  it('writes a folder: results that its schema reads back, predictions and pictures', async () => {
    const out = join(temporaryFolder(), 'results');
    const { results, files, pictures } = await run(fakeDecoder(), { out });
    expect(await readResults(out)).toEqual(results);
    const names = ['curves.png', 'curves.svg', 'heatmap.png', 'heatmap.svg', 'predictions.jsonl', 'results.json'];
    expect(readdirSync(out).sort()).toEqual(names);
    expect([...files].sort()).toEqual(names.map((name) => join(out, name)));
    expect(readFileSync(join(out, 'heatmap.svg'), 'utf8')).toBe(pictures['heatmap.svg']);
    expect(pictures['heatmap.svg']!.match(/class="cell"/g)).toHaveLength(2 * 3 * 2);
    expect(readFileSync(predictionsOf(out), 'utf8').trimEnd().split('\n')).toHaveLength(1 + 48);
    expect(results).toMatchObject({
      evaluation: 'niah',
      model: { id: 'fake', fingerprint: 'sha256:fake' },
      data: { haystack: { name: 'small.txt' } },
      options: {
        era: '2025',
        answer_prefix: 'behind the generation prompt',
        tasks: [{ name: 'niah_single_1', metric: 'string_match_all', max_new_tokens: 128 }, {}],
        methods: [{ patterns: [{ length: 1024 }, { length: 2048 }] }, {}],
      },
      failures: [],
    });
  });

  it('computes what the methods say, unless dense is allowed, and tells how much that was', async () => {
    const own = await run(fakeDecoder(), { lengths: [1024] });
    const shares = ({ results }: typeof own) => results.aggregates.map(({ computed }) => computed);
    expect(shares(own)).toEqual([1, 0.25]);
    expect(own.results.options.allow_dense).toBe(false);
    const out = join(temporaryFolder(), 'results');
    const allowed = await run(fakeDecoder(), { lengths: [1024], allowDense: true, out });
    expect(shares(allowed)).toEqual([1, 1]);
    await expect(run(fakeDecoder(), { lengths: [1024], out })).rejects.toThrow(/dense fallback allowed, now off/);
  });

  it('repeats with the same seed and differs with another', async () => {
    const hashes = async (options: NiahOptions) =>
      (await run(fakeDecoder(), { lengths: [1024], ...options })).prompts.map(({ prompt_sha256 }) => prompt_sha256);
    const first = await hashes({ seed: 1 });
    expect(await hashes({ seed: 1 })).toEqual(first);
    expect(first.filter((hash) => new Set(first).has(hash))).toHaveLength(12);
    expect((await hashes({ seed: 2 })).some((hash) => first.includes(hash))).toBe(false);
  });

  it('hides needles in the user’s text', async () => {
    const path = join(temporaryFolder(), 'own.txt');
    writeFileSync(path, 'Bananas are yellow here. '.repeat(50));
    const fake = fakeDecoder();
    const { results } = await run(fake, { haystack: path, tasks: 'single_2', lengths: [512] });
    expect(results.data.haystack!.name).toBe('own.txt');
    expect(fake.decoder.tokenizer.decode(fake.calls[0]!.tokens)).toContain('Bananas are yellow here.');
    expect(results.rows[0]!.score).toBe(100);
  });
});

describe('interruptions', () => {
  it('promises nothing before the first answer is finished', async () => {
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 1 && controller.abort() });
    const out = join(temporaryFolder(), 'results');
    await expect(run(stopped, { out }, controller.signal)).rejects.toMatchObject({
      code: 'ABORTED',
      hint: 'nothing was kept: run the command again',
    });
    expect(stopped.openCaches()).toBe(0);
  });

  it('keeps what is finished, says how to go on, and goes on', async () => {
    const out = join(temporaryFolder(), 'results');
    const whole = await run(fakeDecoder());
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    const error = await run(stopped, { out }, controller.signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ABORTED',
      hint: expect.stringMatching(
        /^7 of 48 answers are kept in .*predictions\.jsonl: run the same command again to go on$/,
      ),
    });
    expect(stopped.openCaches()).toBe(0);
    expect(readdirSync(out)).toEqual(['predictions.jsonl']);

    const fake = fakeDecoder();
    const { results, prompts, answers } = await run(fake, { out });
    expect(answers).toEqual({ total: 48, resumed: 7, failed: 0 });
    expect(fake.calls).toHaveLength(41);
    expect(prompts).toEqual(whole.prompts);
    expect(results.rows).toEqual(whole.results.rows);
  });

  it('names answers that a method fails to give, counts them in no score, and tries them again', async () => {
    const out = join(temporaryFolder(), 'results');
    const failing = fakeDecoder({
      onPrefill: (call, { tokens, patterns }) => {
        if (patterns !== 'dense' && tokens.length > 1500)
          throw new MinferenceError('OUT_OF_MEMORY', `too little memory for call ${call}`);
      },
    });
    const { results, answers } = await run(failing, { out });
    expect(answers).toEqual({ total: 48, resumed: 0, failed: 12 });
    // Tried once; the others of that length are not.
    expect(failing.calls).toHaveLength(24 + 12 + 1);
    expect(results.failures).toHaveLength(12);
    expect(results.failures.filter(({ skipped }) => !skipped)).toHaveLength(1);
    expect(results.failures[0]).toMatchObject({ method: 'a_shape:64,400', length: 2048, code: 'OUT_OF_MEMORY' });
    const sparse = results.aggregates.filter(({ method }) => method !== 'dense');
    expect(sparse.map(({ length, n, failed }) => [length, n, failed])).toEqual([
      [1024, 12, 0],
      [null, 12, 12],
    ]);
    const again = await run(fakeDecoder(), { out });
    expect(again.answers).toEqual({ total: 48, resumed: 36, failed: 0 });
    expect(again.results.failures).toEqual([]);
  });

  it('stops when an answer cannot be kept or anything unknown happens, and keeps the others', async () => {
    const out = join(temporaryFolder(), 'results');
    const failing = fakeDecoder({
      onPrefill: (call) => {
        if (call === 5) throw new TypeError('a fault of this program');
      },
    });
    await expect(run(failing, { out })).rejects.toThrow(TypeError);
    expect((await run(fakeDecoder(), { out })).answers.resumed).toBe(4);
  });

  it('drops a line that a crash cut off', async () => {
    const out = join(temporaryFolder(), 'results');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const journal = predictionsOf(out);
    const lines = readFileSync(journal, 'utf8').split('\n');
    writeFileSync(journal, `${lines.slice(0, 6).join('\n')}\n${lines[6]!.slice(0, 40)}`);
    const fake = fakeDecoder();
    expect((await run(fake, { out })).answers.resumed).toBe(5);
    expect(fake.calls).toHaveLength(43);
  });

  it('starts over without resume', async () => {
    const out = join(temporaryFolder(), 'results');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const fake = fakeDecoder();
    expect((await run(fake, { out, resume: false })).answers.resumed).toBe(0);
    expect(fake.calls).toHaveLength(48);
  });

  it('refuses predictions that are something else', async () => {
    const out = join(temporaryFolder(), 'results');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 2 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const journal = predictionsOf(out);
    writeFileSync(journal, '{"schema": "other"}\n');
    await expect(run(fakeDecoder(), { out })).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
    expect(readFileSync(journal, 'utf8')).toBe('{"schema": "other"}\n');
  });
});

describe('a complete folder', () => {
  it('is repeated without work and extended with the missing work only', async () => {
    const out = join(temporaryFolder(), 'results');
    const first = await run(fakeDecoder(), { out });
    const again = fakeDecoder();
    expect((await run(again, { out })).answers).toEqual({ total: 48, resumed: 48, failed: 0 });
    expect(again.calls).toHaveLength(0);

    const more = fakeDecoder();
    const extended = await run(more, { out, samples: 3, methods: 'dense,a_shape:64,400,a_shape:64,200' });
    expect(extended.answers).toEqual({ total: 108, resumed: 48, failed: 0 });
    expect(more.calls).toHaveLength(60);
    const old = new Map(first.prompts.map((prompt) => [prompt.prompt_sha256, prompt]));
    for (const prompt of extended.prompts.filter(({ sample }) => sample < 2)) {
      expect(old.get(prompt.prompt_sha256)?.answers).toEqual(prompt.answers.slice(0, 2));
    }
  });

  it('is not mixed with another seed or model: the difference is named, and nothing is lost', async () => {
    const out = join(temporaryFolder(), 'results');
    const small = { out, lengths: [1024], tasks: 'single_1' };
    await run(fakeDecoder(), small);
    const before = readFileSync(predictionsOf(out), 'utf8');
    expect((await run(fakeDecoder(), { ...small, methods: 'dense,a_shape:64,300' })).answers.resumed).toBe(6);
    await expect(run(fakeDecoder(), { ...small, seed: 5 })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('found those of another: seed 0, now 5'),
      hint: expect.stringContaining('--no-resume'),
    });
    await expect(run(fakeDecoder({ fingerprint: 'sha256:other' }), small)).rejects.toThrow(
      /fingerprint sha256:fake, now/,
    );
    // Answers of methods that were left out this time are still there.
    expect(readFileSync(predictionsOf(out), 'utf8').split('\n').length).toBeGreaterThan(before.split('\n').length);
    expect((await run(fakeDecoder(), { ...small, seed: 5, resume: false })).answers.resumed).toBe(0);
  });
});

describe('bad input', () => {
  it('is refused before any work', async () => {
    const fake = fakeDecoder({ contextLength: 4096 });
    await expect(run(fake, { lengths: [2048, 8192] })).rejects.toThrow(
      expect.objectContaining({ code: 'PROMPT_TOO_LONG', message: expect.stringContaining('4096 tokens') }),
    );
    await expect(run(fake, { lengths: [256], tasks: 'single_1,vt' })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('for ') }),
    );
    await expect(run(fake, { out: '/nonexistent/results' })).rejects.toThrow(
      expect.objectContaining({ code: 'WRITE_FAILED' }),
    );
    expect(fake.calls).toHaveLength(0);
  });

  it('refuses an output that another run is writing, and releases its own', async () => {
    const out = join(temporaryFolder(), 'results');
    const fake = fakeDecoder();
    mkdirSync(out);
    const lock = await lockOutput(predictionsOf(out));
    await expect(run(fake, { out })).rejects.toThrow(expect.objectContaining({ code: 'LOCKED' }));
    expect(fake.calls).toHaveLength(0);
    await lock.release();
    await run(fake, { out, lengths: [1024], tasks: 'single_1' });
    expect(readdirSync(out).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('writes neither over a file nor into a folder of something else', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'precious.txt'), 'precious');
    const fake = fakeDecoder();
    for (const out of [folder, join(folder, 'precious.txt'), '/dev/null']) {
      await expect(run(fake, { out })).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('--out'),
      });
    }
    expect(readdirSync(folder)).toEqual(['precious.txt']);
    expect(fake.calls).toHaveLength(0);
  });

  it('reads no results of another schema', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'results.json');
    writeFileSync(path, '{"schema": "minference.eval/1"}');
    await expect(readResults(folder)).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
    appendFileSync(path, '}');
    await expect(readResults(folder)).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
  });
});
