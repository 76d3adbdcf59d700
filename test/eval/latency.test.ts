import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateLatency } from '../../src/eval/latency/evaluate.js';
import { timeDecoder } from '../../src/eval/latency/evaluate-latency.js';
import { type LatencyRun, latencyResultsSchema } from '../../src/eval/latency/results.js';
import { findCrossovers, summarizeRuns } from '../../src/eval/latency/summarize.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';

const text = join(sharedFolder(), 'text.txt');
writeFileSync(text, 'Plain words of a text that goes on and on. '.repeat(300));
const facts = { geometry: { blockM: 64, blockN: 64, keyAlign: 16 }, threads: null, loadMs: 5 };
const plan = { lengths: [512, 1024], rounds: 3, methods: 'dense,a_shape:16,64,block_sparse:2', text };

const run = (own: Partial<LatencyRun>): LatencyRun => ({
  ...{ length: 1024, method: 'dense', patterns_sha256: '0'.repeat(64), round: 0 },
  ...{ prefill_ms: 10, index_ms: null, attention_ms: null, computed: null, peak_memory_bytes: 1 },
  ...own,
});

describe('eval latency', () => {
  it('lets methods take turns on the same tokens, after one uncounted run each', async () => {
    const fake = fakeDecoder();
    const { results, runs } = await timeDecoder(fake.decoder, { ...plan, ...facts });
    expect(runs).toEqual({ total: 18, resumed: 0 });
    // The first of the process; per length three uncounted runs, then three rounds of three.
    expect(fake.calls).toHaveLength(1 + 2 * (3 + 9));
    expect(fake.openCaches()).toBe(0);
    const rounds = [0, 1, 2].map((round) => fake.calls.slice(4 + 3 * round, 7 + 3 * round));
    expect(new Set(rounds.map(([first]) => JSON.stringify(first!.patterns))).size).toBe(3);
    for (const round of rounds) expect(new Set(round.map(({ tokens }) => tokens.length))).toEqual(new Set([512]));
    expect(results.rows.map(({ length, method, rounds }) => [length, method, rounds])).toEqual(
      [512, 1024].flatMap((length) => ['dense', 'a_shape:16,64', 'block_sparse:2'].map((name) => [length, name, 3])),
    );
    expect(results.rows[1]).toMatchObject({
      prefill_ms: { median: 10, low: 10, high: 10 },
      tokens_per_second: 51_200,
      speedup: { median: 2, low: 2, high: 2 },
      repeated: false,
    });
    expect(results.crossovers[0]).toEqual({ method: 'a_shape:16,64', measured: 512, estimated: null });
    expect(results.cold).toMatchObject({ load_ms: 5, length: 1024 });
  });

  it('times dense also where it was not asked for', async () => {
    const { results } = await timeDecoder(fakeDecoder().decoder, { ...plan, methods: 'a_shape:16,64', ...facts });
    expect(results.options.methods.map(({ name }) => name)).toEqual(['dense', 'a_shape:16,64']);
  });

  it('writes a folder, and goes on where it was stopped', async () => {
    const out = join(temporaryFolder(), 'latency');
    const controller = new AbortController();
    const stopped = fakeDecoder({ onPrefill: (call) => call === 10 && controller.abort() });
    const options = { ...plan, ...facts, out };
    await expect(timeDecoder(stopped.decoder, options, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
      hint: expect.stringMatching(/^5 runs are kept in .*predictions\.jsonl/),
    });
    const fake = fakeDecoder();
    const { runs, files } = await timeDecoder(fake.decoder, options);
    expect(runs).toEqual({ total: 18, resumed: 5 });
    expect(fake.calls).toHaveLength(1 + (3 + 4) + (3 + 9));
    expect(readdirSync(out).sort()).toEqual(['curves.svg', 'predictions.jsonl', 'results.json']);
    expect(files).toHaveLength(3);
    const written = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'));
    expect(latencyResultsSchema.safeParse(written).error).toBeUndefined();
    await expect(timeDecoder(fakeDecoder().decoder, { ...options, allowDense: false })).rejects.toThrow(
      /dense fallback allowed, now off/,
    );
  });

  it('repeats a short text, and says so', async () => {
    const short = join(temporaryFolder(), 'short.txt');
    writeFileSync(short, 'Only a few words.');
    const { results } = await timeDecoder(fakeDecoder().decoder, { ...plan, text: short, ...facts });
    expect(results.rows.every(({ repeated }) => repeated)).toBe(true);
  });

  it('refuses lengths beyond the model and wrong options before anything runs', async () => {
    const fake = fakeDecoder({ contextLength: 600 });
    await expect(timeDecoder(fake.decoder, { ...plan, ...facts })).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
    expect(fake.calls).toHaveLength(0);
    await expect(evaluateLatency({ rounds: 0 })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(evaluateLatency({ methods: 'denes' })).rejects.toMatchObject({ code: 'USAGE' });
    // Nothing is decoded.
    await expect(evaluateLatency({ kv: 'snapkv' } as object)).rejects.toThrow('kv');
  });

  it('times the embedded model', async () => {
    const { results } = await evaluateLatency({
      ...{ lengths: [512], rounds: 2, methods: 'a_shape:16,64', device: 'cpu', allowDense: false },
    });
    const [dense, sparse] = results.rows;
    expect(dense).toMatchObject({ method: 'dense', computed: 1 });
    expect(sparse!.computed).toBeLessThan(0.5);
    expect(sparse!.prefill_ms.low).toBeGreaterThan(0);
    expect(sparse!.prefill_ms.high).toBeGreaterThanOrEqual(sparse!.prefill_ms.median);
  }, 120_000);
});

describe('summaries', () => {
  const options = { lengths: [1024], methods: ['dense', 'x'], textTokens: 5000 };

  it('compare within a round', () => {
    // Twice as fast in each round, while the machine gets three times slower.
    const runs = [10, 30, 20].flatMap((ms, round) => [
      run({ round, prefill_ms: ms, attention_ms: ms / 2, index_ms: 0 }),
      run({ round, method: 'x', prefill_ms: ms / 2, attention_ms: ms / 8, index_ms: 1 }),
    ]);
    const [dense, own] = summarizeRuns(runs, options);
    expect(dense).toMatchObject({ prefill_ms: { median: 20, low: 10, high: 30 }, speedup: null });
    expect(own).toMatchObject({
      speedup: { median: 2, low: 2, high: 2 },
      attention_speedup: expect.closeTo(10 / 3.5, 4),
      rest_ms: expect.closeTo(10 - 2.5 - 1, 4),
    });
  });

  it('find where a method gets faster and stays so', () => {
    const row = (length: number, speedup: number) =>
      summarizeRuns([run({ length, prefill_ms: 100 }), run({ length, method: 'x', prefill_ms: 100 / speedup })], {
        ...options,
        lengths: [length],
      });
    const rows = [row(1024, 1.1), row(2048, 0.5), row(4096, 2), row(8192, 3)].flat();
    // Halfway between 0.5 and 2, of the logarithms.
    expect(findCrossovers(rows, ['dense', 'x'])).toEqual([{ method: 'x', measured: 4096, estimated: 2896 }]);
    expect(findCrossovers(row(1024, 0.9), ['x'])).toEqual([{ method: 'x', measured: null, estimated: null }]);
  });
});
