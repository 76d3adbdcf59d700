import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { readResults } from '../../src/eval/harness/read-results.js';
import { evaluateNiah, type NiahOptions } from '../../src/eval/niah/evaluate-niah.js';
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

const run = (fake: ReturnType<typeof fakeDecoder>, options: NiahOptions = {}, signal?: AbortSignal) =>
  evaluateNiah(fake.decoder, { ...GRID, ...options, geometry, threads: null }, signal ? { signal } : {});

const journals = (folder: string) => readdirSync(folder).filter((name) => name.includes('.partial.'));

describe('evaluateNiah', () => {
  it('gives every method the same prompts and scores their answers', async () => {
    const fake = fakeDecoder();
    const { results, table, byTask, answers } = await run(fake);
    expect(answers).toEqual({ total: 48, resumed: 0 });
    expect(fake.calls).toHaveLength(48);
    expect(fake.openCaches()).toBe(0);
    expect(results.prompts).toHaveLength(24);
    for (const { answers: own, prompt_sha256 } of results.prompts) {
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
      table.find((row) => row.length === length && row.method === method);
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
    expect(byTask.map(({ task }) => task)).toEqual(
      [1024, 2048].flatMap(() => ['niah_single_1', 'niah_single_1', 'niah_single_2', 'niah_single_2']),
    );
  });

  it('writes results that its schema reads back, and plots beside them', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'niah.json');
    const { results, plots, svg } = await run(fakeDecoder(), { out });
    expect(await readResults(out)).toEqual(results);
    expect(readdirSync(folder).sort()).toEqual(['niah.curves.svg', 'niah.heatmap.svg', 'niah.json']);
    expect(readFileSync(plots!.heatMaps, 'utf8')).toBe(svg.heatMaps);
    expect(readFileSync(plots!.curves, 'utf8')).toBe(svg.curves);
    expect(svg.heatMaps.match(/class="cell"/g)).toHaveLength(2 * 3 * 2);
    expect(results).toMatchObject({
      model: { id: 'fake', fingerprint: 'sha256:fake' },
      data: { haystack: { name: 'small.txt' } },
      options: { tasks: [{ name: 'niah_single_1', metric: 'string_match_all', max_new_tokens: 128 }, {}] },
    });
  });

  it('repeats with the same seed and differs with another', async () => {
    const hashes = async (options: NiahOptions) =>
      (await run(fakeDecoder(), { lengths: [1024], ...options })).results.prompts.map(
        ({ prompt_sha256 }) => prompt_sha256,
      );
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
    expect(results.data.haystack.name).toBe('own.txt');
    expect(fake.decoder.tokenizer.decode(fake.calls[0]!.tokens)).toContain('Bananas are yellow here.');
    expect(results.rows[0]!.score).toBe(100);
  });
});

describe('interruptions', () => {
  it('promises nothing before the first answer is finished', async () => {
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 1 && controller.abort() });
    const out = join(temporaryFolder(), 'niah.json');
    await expect(run(stopped, { out }, controller.signal)).rejects.toMatchObject({
      code: 'ABORTED',
      hint: 'nothing was kept: run the command again',
    });
    expect(stopped.openCaches()).toBe(0);
  });

  it('keeps what is finished, says how to go on, and goes on', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const whole = await run(fakeDecoder());
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    const error = await run(stopped, { out }, controller.signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ABORTED',
      hint: expect.stringMatching(
        /^7 of 48 answers are kept in .*partial\.jsonl: run the same command again to go on$/,
      ),
    });
    expect(stopped.openCaches()).toBe(0);
    expect(existsSync(out)).toBe(false);
    expect(journals(join(out, '..'))).toHaveLength(1);

    const fake = fakeDecoder();
    const { results, answers } = await run(fake, { out });
    expect(answers).toEqual({ total: 48, resumed: 7 });
    expect(fake.calls).toHaveLength(41);
    expect(results.prompts).toEqual(whole.results.prompts);
    expect(results.rows).toEqual(whole.results.rows);
    expect(journals(join(out, '..'))).toEqual([]);
  });

  it('keeps answers when anything else fails', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const failing = fakeDecoder({
      onPrefill: (call) => {
        if (call === 5) throw new MinferenceError('OUT_OF_MEMORY', 'too little memory');
      },
    });
    await expect(run(failing, { out })).rejects.toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect((await run(fakeDecoder(), { out })).answers.resumed).toBe(4);
  });

  it('drops a line that a crash cut off', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const journal = join(out, '..', journals(join(out, '..'))[0]!);
    const lines = readFileSync(journal, 'utf8').split('\n');
    writeFileSync(journal, `${lines.slice(0, 6).join('\n')}\n${lines[6]!.slice(0, 40)}`);
    const fake = fakeDecoder();
    expect((await run(fake, { out })).answers.resumed).toBe(5);
    expect(fake.calls).toHaveLength(43);
  });

  it('starts over without resume', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 8 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const fake = fakeDecoder();
    expect((await run(fake, { out, resume: false })).answers.resumed).toBe(0);
    expect(fake.calls).toHaveLength(48);
  });

  it('refuses a journal that is something else', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 2 && controller.abort() });
    await run(stopped, { out }, controller.signal).catch(() => {});
    const journal = join(out, '..', journals(join(out, '..'))[0]!);
    writeFileSync(journal, '{"schema": "other"}\n');
    await expect(run(fakeDecoder(), { out })).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
    expect(readFileSync(journal, 'utf8')).toBe('{"schema": "other"}\n');
  });
});

describe('a complete file', () => {
  it('is repeated without work and extended with the missing work only', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const first = await run(fakeDecoder(), { out });
    const again = fakeDecoder();
    expect((await run(again, { out })).answers).toEqual({ total: 48, resumed: 48 });
    expect(again.calls).toHaveLength(0);

    const more = fakeDecoder();
    const extended = await run(more, { out, samples: 3, methods: 'dense,a_shape:64,400,a_shape:64,200' });
    expect(extended.answers).toEqual({ total: 108, resumed: 48 });
    expect(more.calls).toHaveLength(60);
    const old = new Map(first.results.prompts.map((prompt) => [prompt.prompt_sha256, prompt]));
    for (const prompt of extended.results.prompts.filter(({ sample }) => sample < 2)) {
      expect(old.get(prompt.prompt_sha256)?.answers).toEqual(prompt.answers.slice(0, 2));
    }
  });

  it('is not continued under another seed, model or patterns', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    await run(fakeDecoder(), { out, lengths: [1024], tasks: 'single_1' });
    const resumed = async (fake: ReturnType<typeof fakeDecoder>, options: NiahOptions) =>
      (await run(fake, { out, lengths: [1024], tasks: 'single_1', ...options })).answers.resumed;
    expect(await resumed(fakeDecoder(), { methods: 'dense,a_shape:64,300' })).toBe(6);
    expect(await resumed(fakeDecoder(), { seed: 5 })).toBe(0);
    expect(await resumed(fakeDecoder({ fingerprint: 'sha256:other' }), {})).toBe(0);
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
    await expect(run(fake, { out: '/nonexistent/niah.json' })).rejects.toThrow(
      expect.objectContaining({ code: 'WRITE_FAILED' }),
    );
    expect(fake.calls).toHaveLength(0);
  });

  it('refuses an output that another run is writing, and releases its own', async () => {
    const out = join(temporaryFolder(), 'niah.json');
    const fake = fakeDecoder();
    const lock = await lockOutput(out);
    await expect(run(fake, { out })).rejects.toThrow(expect.objectContaining({ code: 'LOCKED' }));
    expect(fake.calls).toHaveLength(0);
    await lock.release();
    await run(fake, { out, lengths: [1024], tasks: 'single_1' });
    expect(readdirSync(join(out, '..')).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('writes to a device without leaving anything beside it', async () => {
    const { plots } = await run(fakeDecoder(), { out: '/dev/null', lengths: [1024], tasks: 'single_1' });
    expect(plots).toBeNull();
    expect(readdirSync('/dev').filter((name) => name.startsWith('null.'))).toEqual([]);
  });

  it('reads no results of another schema', async () => {
    const path = join(temporaryFolder(), 'niah.json');
    writeFileSync(path, '{"schema": "minference.eval/2"}');
    await expect(readResults(path)).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
    appendFileSync(path, '}');
    await expect(readResults(path)).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
  });
});
