import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { calibrationSamples } from '../../search/calibration.js';
import { checkpointPath } from '../../search/checkpoint.js';
import { runSearch } from '../../search/run-search.js';
import type { SearchOptions } from '../../search/types.js';
import { denseCausalFlops } from '../../src/patterns/flops.js';
import { encodeHeadPattern, PATTERN_FLAG } from '../../src/patterns/head-pattern.js';
import { loadPatterns } from '../../src/patterns/load-patterns.js';
import type { PatternFile } from '../../src/patterns/pattern-file.js';
import { patternMatrix } from '../../src/patterns/to-matrix.js';
import { Decoder } from '../../src/prefill/decoder.js';
import type { ProgressReporter } from '../../src/utils/progress.js';
import { tinyModel } from '../prefill/helpers.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'minference-search-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const tiny = () => tinyModel({ maxPositions: 2048 });
const base: SearchOptions = { device: 'cpu', length: 1024, budget: '40%', samples: 2, seed: 3 };

/** Collects what the search says; `onRow` runs after every finished prompt. */
function recorder(onRow: () => void = () => {}): ProgressReporter & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    note: (line) => lines.push(line),
    warn: (line) => lines.push(`warning: ${line}`),
    start: () => ({
      update() {},
      row(line) {
        lines.push(line);
        onRow();
      },
      finish() {},
    }),
  };
}

const withoutDate = (text: string) => text.replace(/"date": "[^"]*"/, '"date": "…"');

describe('runSearch', () => {
  it('writes a file the model runs with, a map, and nothing else', async () => {
    const model = await tiny();
    const folder = temporaryFolder();
    const out = join(folder, 'patterns.json');
    const result = await runSearch({ ...base, model, out });
    expect(readdirSync(folder).sort()).toEqual(['patterns.json', 'patterns.svg']);
    expect(result).toMatchObject({ out, map: join(folder, 'patterns.svg'), samples: { total: 2, resumed: 0 } });
    expect(readFileSync(result.map!, 'utf8')).toBe(result.svg);

    using decoder = await Decoder.open({ model, device: 'cpu' });
    const file = await loadPatterns(out, decoder);
    expect(file).toEqual(result.patterns);
    const budget = Math.floor(0.4 * denseCausalFlops(1024, 16));
    for (const head of file.layers.flatMap(({ heads }) => heads)) {
      expect(head.type).not.toBe('dense');
      expect(head.flops!).toBeLessThanOrEqual(budget * 1.000001);
      expect(head.flops!).toBeGreaterThan(0);
      expect(head.fraction!).toBeCloseTo(head.flops! / denseCausalFlops(1024, 16), 4);
    }
    expect(file.search).toMatchObject({ length: 1024, objective: 'answer', budget: { spec: '40%', flops: budget } });
    expect(file.search!.calibration).toMatchObject([
      { set: 'kv', seed: 3, samples: [{ tokens: 1024 }, { tokens: 1024 }] },
    ]);
    const { cache } = await decoder.prefill(Array(600).fill(7), { patterns: patternMatrix(file) });
    cache.dispose();
  });

  it.each<DecoderSpec>([
    { style: 'genai', dtype: 'int4', packedQkv: false },
    { style: 'genai', dtype: 'fp16' },
    { style: 'optimum' },
    { style: 'mha' },
    { style: 'attention23' },
  ])('searches a decoder exported as %o', async (spec) => {
    const model = await tinyModel({ maxPositions: 2048, ...spec });
    const { patterns } = await runSearch({ ...base, samples: 1, model });
    expect(patterns.layers.map(({ heads }) => heads.length)).toEqual(Array(2).fill(patterns.model.num_heads));
  });

  it('gives the same file for the same seed, and other prompts for another', async () => {
    const model = await tiny();
    const folder = temporaryFolder();
    const texts = [];
    for (const name of ['a.json', 'b.json']) {
      await runSearch({ ...base, model, out: join(folder, name) });
      texts.push(withoutDate(readFileSync(join(folder, name), 'utf8')));
    }
    expect(texts[0]).toBe(texts[1]);
    const other = await runSearch({ ...base, model, seed: 4 });
    const hashes = (file: PatternFile) => file.search!.calibration[0]!.samples.map(({ sha256 }) => sha256);
    const first = JSON.parse(texts[0]!) as PatternFile;
    expect(hashes(other.patterns)).not.toEqual(hashes(first));
    expect(new Set(hashes(first)).size).toBe(2);
  });

  it('goes on after an interruption and writes the same file', async () => {
    const model = await tiny();
    const folder = temporaryFolder();
    const [whole, interrupted] = [join(folder, 'whole.json'), join(folder, 'interrupted.json')];
    await runSearch({ ...base, samples: 3, model, out: whole });

    const controller = new AbortController();
    const aborted = runSearch(
      { ...base, samples: 3, model, out: interrupted },
      { progress: recorder(() => controller.abort()), signal: controller.signal },
    );
    await expect(aborted).rejects.toMatchObject({
      code: 'ABORTED',
      hint: expect.stringMatching(/^1 of 3 calibration/),
    });
    expect(readdirSync(folder)).not.toContain('interrupted.json');
    expect(readdirSync(folder)).toContain('interrupted.json.resume.json');

    const said = recorder();
    const result = await runSearch({ ...base, samples: 3, model, out: interrupted }, { progress: said });
    expect(result.samples).toEqual({ total: 3, resumed: 1 });
    expect(said.lines).toContain('continuing: 1 of 3 calibration prompts were finished');
    expect(withoutDate(readFileSync(interrupted, 'utf8'))).toBe(withoutDate(readFileSync(whole, 'utf8')));
    expect(readdirSync(folder).filter((name) => name.includes('resume'))).toEqual([]);
  });

  it('promises nothing when it is interrupted before the first prompt is finished', async () => {
    const controller = new AbortController();
    const progress: ProgressReporter = {
      ...recorder(),
      start: ({ label }) => ({ update: () => label === 'search' && controller.abort(), row() {}, finish() {} }),
    };
    const folder = temporaryFolder();
    const options = { ...base, samples: 3, model: await tiny(), out: join(folder, 'none.json') };
    await expect(runSearch(options, { progress, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
      hint: 'nothing was kept: run the command again',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each<[string, Partial<SearchOptions>]>([
    ['budget', { budget: '50%' }],
    ['seed', { seed: 9 }],
    ['length', { length: 1088 }],
  ])('does not mix scores of searches that differ in their %s', async (_name, change) => {
    const model = await tiny();
    const out = join(temporaryFolder(), 'p.json');
    const controller = new AbortController();
    const options = { ...base, model, out };
    await runSearch(options, { progress: recorder(() => controller.abort()), signal: controller.signal }).catch(
      () => {},
    );
    const said = recorder();
    const result = await runSearch({ ...options, ...change }, { progress: said });
    expect(result.samples.resumed).toBe(0);
    expect(said.lines.join('\n')).toMatch(/starting over: .*other options/);
  });

  it('shares scores between objectives, which only choose differently', async () => {
    const model = await tiny();
    const out = join(temporaryFolder(), 'p.json');
    const controller = new AbortController();
    await runSearch(
      { ...base, model, out },
      { progress: recorder(() => controller.abort()), signal: controller.signal },
    ).catch(() => {});
    const result = await runSearch({ ...base, model, out, objective: 'mass' });
    expect(result.samples.resumed).toBe(1);
    expect(result.patterns.search!.objective).toBe('mass');
  });

  it('survives a broken checkpoint, and starts over when told to', async () => {
    const model = await tiny();
    const out = join(temporaryFolder(), 'p.json');
    writeFileSync(checkpointPath(out), '{"schema":"minference.search-check');
    const said = recorder();
    expect((await runSearch({ ...base, model, out }, { progress: said })).samples.resumed).toBe(0);
    expect(said.lines.join('\n')).toMatch(/warning: starting over: /);

    const controller = new AbortController();
    const stopped = { progress: recorder(() => controller.abort()), signal: controller.signal };
    await runSearch({ ...base, model, out }, stopped).catch(() => {});
    expect((await runSearch({ ...base, model, out, resume: false })).samples.resumed).toBe(0);
  });

  it('calibrates on the user’s text beside kv, and names it without its folder', async () => {
    const model = await tiny();
    const text = join(temporaryFolder(), 'notes.txt');
    writeFileSync(text, 'The quick brown fox jumps over the lazy dog. '.repeat(100));
    const { patterns } = await runSearch({ ...base, model, samples: 1, calibration: `kv,file:${text}` });
    expect(patterns.search!.calibration.map(({ set }) => set)).toEqual(['kv', 'file:notes.txt']);
    expect(JSON.stringify(patterns)).not.toContain(tmpdir());
    const long = await runSearch({ ...base, model, length: 2048, calibration: `file:${text}`, budget: '90%' });
    expect(long.patterns.search!.length).toBe(2048);
    writeFileSync(text, 'short');
    await expect(runSearch({ ...base, model, calibration: `file:${text}` })).rejects.toMatchObject({
      code: 'DATASET_INVALID',
    });
  });

  it('leaves everything dense at 100 %, and layers with a window', async () => {
    const model = await tinyModel({ maxPositions: 2048, slidingWindow: { size: 128, layers: [0] } });
    const all = await runSearch({ ...base, model, samples: 1, budget: '100%' });
    expect(new Set(all.patterns.layers.flatMap(({ heads }) => heads.map(({ type }) => type)))).toEqual(
      new Set(['dense']),
    );
    const some = await runSearch({ ...base, model, samples: 1 });
    expect(some.patterns.layers[0]!.heads.every(({ type }) => type === 'dense')).toBe(true);
    expect(some.patterns.layers[1]!.heads.some(({ type }) => type === 'dense')).toBe(false);
    expect(some.patterns.layers[0]!.heads[0]!.fraction!).toBeLessThan(0.25);
  });

  it('does not run the model where everything stays dense', async () => {
    const said = recorder();
    await runSearch({ ...base, model: await tiny(), budget: '100%' }, { progress: said });
    expect(said.lines.filter((line) => line.startsWith('prompt'))).toEqual([]);
  });

  it('writes what the written sizes cost and keep, not what each prompt’s own did', async () => {
    const model = await tiny();
    const { patterns } = await runSearch({ ...base, model, samples: 3 });
    using decoder = await Decoder.open({ model, device: 'cpu', graph: 'probe' });
    const tokens = await calibrationSamples([{ kind: 'kv' }], {
      tokenizer: decoder.tokenizer,
      length: 1024,
      samples: 3,
      seed: 3,
    });
    const layers = patternMatrix(patterns).map((heads) => ({
      rows: heads.map((head) => encodeHeadPattern(head, PATTERN_FLAG.noFallback)),
      perHead: true,
      budgetFlops: 1,
    }));
    const runs = [];
    for (const sample of tokens) runs.push((await decoder.probe(sample.tokens, { layers })).scores);
    for (const [layer, { heads }] of patterns.layers.entries()) {
      for (const [head, entry] of heads.entries()) {
        const own = runs.map((run) => run[layer]![head]![0]!);
        expect(entry.answer_error).toBeCloseTo(own.reduce((sum, { errorLast }) => sum + errorLast, 0) / 3, 5);
        expect(entry.flops).toBe(Math.max(...own.map(({ flops }) => flops)));
      }
    }
  });

  it('takes fewer prompts of a text that has no more, and says so', async () => {
    const text = join(temporaryFolder(), 'short.txt');
    writeFileSync(text, 'The quick brown fox jumps over the lazy dog. '.repeat(24));
    const said = recorder();
    const options = { ...base, model: await tiny(), samples: 4, calibration: `file:${text}` };
    const { patterns } = await runSearch(options, { progress: said });
    const hashes = patterns.search!.calibration[0]!.samples.map(({ sha256 }) => sha256);
    expect(hashes.length).toBeLessThan(4);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(said.lines.join('\n')).toMatch(/warning: file:short.txt: expected text for 4 different prompts/);
  });

  it.each<[Partial<SearchOptions>, string, RegExp]>([
    [{ length: 100 }, 'USAGE', /length: expected a whole number from 256/],
    [{ length: 4096 }, 'PROMPT_TOO_LONG', /at most 2048 tokens \(the model's positions\), found 4096/],
    [{ length: 300 }, 'USAGE', /at least 512 tokens for kv/],
    [{ budget: 'cheap' }, 'USAGE', /expected a budget/],
    [{ budget: '0.5%' }, 'USAGE', /expected a budget that a sparse pattern can meet/],
    [{ calibration: 'wikipedia' }, 'USAGE', /expected calibration sets/],
    [{ calibration: 'file:/nowhere/x.txt' }, 'READ_FAILED', /x\.txt/],
    [{ objective: 'speed' as never }, 'USAGE', /objective: expected one of answer, output, both, mass/],
    [{ samples: 0 }, 'USAGE', /samples/],
    [{ out: '/nowhere/p.json' }, 'WRITE_FAILED', /nowhere/],
  ])('refuses %o', async (change, code, message) => {
    const error = await runSearch({ ...base, model: await tiny(), ...change }).catch((reason) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('never replaces somebody else’s picture, but its own map', async () => {
    const model = await tiny();
    const folder = temporaryFolder();
    const out = join(folder, 'diagram.json');
    writeFileSync(join(folder, 'diagram.svg'), '<svg>mine</svg>');
    await expect(runSearch({ ...base, model, out })).rejects.toMatchObject({ code: 'USAGE' });
    expect(readFileSync(join(folder, 'diagram.svg'), 'utf8')).toBe('<svg>mine</svg>');
    rmSync(join(folder, 'diagram.svg'));
    for (const seed of [0, 1]) await runSearch({ ...base, samples: 1, model, out, seed });
    expect(readdirSync(folder).sort()).toEqual(['diagram.json', 'diagram.svg']);
  });

  it('writes to a device without files beside it', async () => {
    const result = await runSearch({ ...base, samples: 1, model: await tiny(), out: '/dev/null' });
    expect(result).toMatchObject({ out: '/dev/null', map: null });
  });

  it('refuses a second search to the same file while one runs', async () => {
    const model = await tiny();
    const out = join(temporaryFolder(), 'p.json');
    const results = await Promise.allSettled([runSearch({ ...base, model, out }), runSearch({ ...base, model, out })]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { reason } = results.find((result): result is PromiseRejectedResult => result.status === 'rejected')!;
    expect(reason).toMatchObject({ code: 'LOCKED' });
  });
});
