import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvalResults } from '../../src/eval/harness/results.js';
import { reportResults } from '../../src/eval/report/report-results.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { readPage } from './helpers/read-page.js';
import { editAnswers, editResults, niahFolder, rulerFolder } from './helpers/result-folder.js';

const shared = sharedFolder();
const ruler = join(shared, 'ruler');
const niah = join(shared, 'niah');

beforeAll(async () => {
  await rulerFolder(ruler);
  await niahFolder(niah);
});

/** A copy that a test may change. */
function copyOf(folder: string, name = 'copy'): string {
  const copy = join(temporaryFolder(), name);
  cpSync(folder, copy, { recursive: true });
  return copy;
}

const resultsOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as EvalResults;
const pageOf = async (...folders: string[]) => readPage((await reportResults({ folders })).text);

describe('a page about one folder', () => {
  it('shows the scores, intervals, differences, costs and times of the results', async () => {
    const { aggregates } = resultsOf(ruler);
    const { tables, text } = await pageOf(ruler);
    const [overview] = tables;
    expect(overview).toMatchObject({
      caption: 'Score by length',
      columns: [
        ...['method', '1k', '2k', 'mean', 'vs dense', 'effective length', 'computed'],
        ...['prefill at 2k', 'speed-up at 2k'],
      ],
    });
    expect(overview!.rows.map(([name]) => name)).toEqual(['dense', 'a_shape:64,256']);
    const sparse = overview!.rows[1]!;
    const at = (length: number | null) =>
      aggregates.find((row) => row.method === 'a_shape:64,256' && row.length === length)!;
    // The decoder sees a part of the prompt: it loses, and the test would not tell if it did not.
    expect(at(null).difference).toBeLessThan(0);
    const points = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
    for (const [column, length] of [
      [1, 1024],
      [2, 2048],
    ] as const) {
      const { score, low, high, difference, difference_high } = at(length);
      const mark = difference_high! >= 0 ? ' ≈' : '';
      expect(sparse[column]).toBe(
        `${score.toFixed(1)} ${low.toFixed(1)} – ${high.toFixed(1)} ${points(difference!)}${mark}`,
      );
    }
    expect(sparse[4]).toContain(`${points(at(null).difference_low!)} to ${points(at(null).difference_high!)}`);
    expect(sparse.slice(5)).toEqual(['none', '25.0 %', '10ms', '2.00×']);
    expect(overview!.rows[0]!.slice(4)).toEqual(['', '2k', '100.0 %', '20ms', '–']);
    expect(text).toMatch(/RULER: fake/);
    expect(text).toMatch(/2 methods · 3 prompts per task and length · rules of 2025 · seed 0 · cpu/);
  });

  it('has a table of tasks per length, and the drawings by length and by cost', async () => {
    const { tables, drawings } = await pageOf(ruler);
    const tasks = tables.filter(({ caption }) => caption.startsWith('Score by task'));
    expect(tasks.map(({ caption }) => caption)).toEqual(['Score by task at 1k tokens', 'Score by task at 2k tokens']);
    expect(tasks[0]!.columns).toEqual(['method', 'niah_single_1', 'niah_multikey_2', 'mean']);
    const row = resultsOf(ruler).rows.find(({ length, method }) => length === 2048 && method !== 'dense')!;
    expect(tasks[1]!.rows[1]![1]).toMatch(new RegExp(`^${row.score.toFixed(1)} `));
    expect(drawings.map((svg) => /<title>([^<]*)/.exec(svg)![1])).toEqual([
      'Accuracy by cost: mean over all lengths',
      'Accuracy by cost at 1k',
      'Accuracy by cost at 2k',
      'Accuracy by length',
      'Prefill time by length',
      'Speed-up of the prefill by length',
    ]);
    expect(drawings[0]).toMatch(/<title>a_shape:64,256: [\d.]+ at 25 %/);
  });

  it('needs nothing else: no script, no address, no path of a machine', async () => {
    const { text: page } = await reportResults({ folders: [ruler] });
    const { elements } = readPage(page);
    expect(elements).not.toContain('script');
    expect(elements).not.toContain('link');
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|@import|src=|href=/);
    expect(page).not.toContain(shared);
    expect(page).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    expect(page).toContain('prefers-color-scheme: dark');
  });

  it('shows answers that were lost and gained, with what was expected and both answers', async () => {
    const folder = copyOf(ruler);
    await editAnswers(folder, ({ prompt, answer }) => {
      const first = prompt.length === 1024 && prompt.sample === 0 && prompt.task === 'niah_single_1';
      const last = prompt.length === 2048 && prompt.sample === 2 && prompt.task === 'niah_multikey_2';
      const sparse = answer!.method !== 'dense';
      answer!.score = first ? (sparse ? 0 : 1) : last ? (sparse ? 1 : 0.5) : 1;
      if (first || last) answer!.prediction = `${sparse ? 'sparse' : 'full'} says ${first ? 'first' : 'last'}`;
    });
    const { text } = await pageOf(folder);
    const examples = text.slice(text.indexOf('Answers that differ'));
    expect(examples).toContain('1 answer better and 1 worse than with dense attention');
    expect(examples).toMatch(
      /lost\n niah_single_1 at 1k, sample 0\nexpected\n\d+\n \ndense\n100\.0\nfull says first\na_shape:64,256\n0\.0\nsparse says first\n/,
    );
    expect(examples).toMatch(/gained\n niah_multikey_2 at 2k, sample 2\n[\s\S]*full says last[\s\S]*sparse says last/);
    expect(examples.match(/says/g)).toHaveLength(4);
  });

  it('maps depth and length where depths were asked', async () => {
    const [rulers, needles] = [await pageOf(ruler), await pageOf(niah)];
    const maps = needles.drawings.filter((svg) => svg.includes('class="cell"'));
    expect(maps).toHaveLength(2);
    expect(maps[1]!.match(/class="cell"/g)).toHaveLength(3);
    expect(needles.text).toContain('By depth and length');
    expect(rulers.text).not.toContain('By depth and length');
    const ids = maps.flatMap((svg) => [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
    expect(new Set(ids).size).toBe(2);
  });

  it('names what is missing and why, what was cut off, and yes-or-no questions apart', async () => {
    const folder = copyOf(ruler);
    await editAnswers(folder, (record) => {
      if (record.prompt.sample === 1) record.prompt.references = ['Yes'];
      if (record.answer!.method === 'dense') return;
      if (record.prompt.sample === 0) record.answer!.stopped = 'length';
      if (record.prompt.sample !== 2 || record.prompt.length !== 2048) return;
      const { method, patterns_sha256 } = record.answer!;
      delete record.answer;
      const message = 'no room for /home/someone/models/big.onnx';
      record.failure = { method, patterns_sha256, code: 'OUT_OF_MEMORY', message, skipped: false };
    });
    const { tables, text } = await pageOf(folder);
    expect(tables.find(({ caption }) => caption === 'Prompts without an answer')!.rows).toEqual([
      ['a_shape:64,256', '2k', '2', 'OUT_OF_MEMORY: no room for …/big.onnx'],
    ]);
    const care = tables.find(({ caption }) => caption === 'Answers to read with care')!;
    expect(care.columns).toEqual(['method', 'answers', 'cut off', 'missing', 'yes or no questions']);
    expect(care.rows.map((row) => row.slice(0, 4))).toEqual([
      ['dense', '12', '0', '0'],
      ['a_shape:64,256', '10', '4', '2'],
    ]);
    expect(care.rows[0]![4]).toMatch(/ n = 4$/);
    expect(tables[0]!.rows[1]![2]).toMatch(/2 failed$/);
    expect(text).toContain('2 answers missing: they count in no score.');
  });

  it('says that costs were not measured where they were not', async () => {
    const folder = copyOf(ruler);
    await editAnswers(folder, ({ answer }) => {
      answer!.computed = null;
    });
    const { text, drawings, tables } = await pageOf(folder);
    expect(text).toContain('What attention computed was not measured.');
    expect(drawings.some((svg) => svg.includes('Accuracy by cost'))).toBe(false);
    expect(tables[0]!.rows[1]![6]).toBe('–');
  });
});

describe('several folders', () => {
  it('of one evaluation and model stand side by side; methods of both are told apart by the folder', async () => {
    const other = join(temporaryFolder(), 'wide');
    await rulerFolder(other, { methods: 'dense,a_shape:64,512' });
    const report = await reportResults({ folders: [ruler, other] });
    expect(report.sections).toEqual([
      {
        title: 'RULER: fake',
        folders: ['ruler', 'wide'],
        methods: ['dense (ruler)', 'a_shape:64,256', 'dense (wide)', 'a_shape:64,512'],
      },
    ]);
    const { tables, text } = readPage(report.text);
    expect(tables[0]!.rows.map(([name]) => name)).toEqual(report.sections[0]!.methods);
    expect(text).not.toContain('not of the same conditions');
  });

  it('that differ in their conditions are compared with a warning that names them', async () => {
    const other = join(temporaryFolder(), 'other');
    await rulerFolder(other, { samples: 2, seed: 5 });
    const { text } = await pageOf(ruler, other);
    expect(text).toMatch(
      /not of the same conditions.*seed: 0 \(ruler\); 5 \(other\) \| samples: 3 \(ruler\); 2 \(other\)/,
    );
  });

  it('of other evaluations or models get a section each', async () => {
    const other = copyOf(ruler, 'other');
    editResults(other, ({ model }) => {
      model.fingerprint = 'another';
    });
    const { sections, text } = await reportResults({ folders: [ruler, niah, other] });
    const titles = ['RULER: fake', 'Needle in a haystack: fake', 'RULER: fake 2'];
    expect(sections.map(({ title }) => title)).toEqual(titles);
    const page = readPage(text);
    for (const title of titles) expect(page.text).toContain(`\n${title}\n`);
    expect(page.elements.filter((name) => name === 'h1')).toHaveLength(1);
  });

  it('of the same name get a number, and one that is given twice is one', async () => {
    const [first, second] = [copyOf(ruler, 'same'), copyOf(ruler, 'same')];
    const link = join(temporaryFolder(), 'link');
    symlinkSync(first, link);
    const { sections } = await reportResults({ folders: [first, second, link, `${first}/`] });
    expect(sections.map(({ folders }) => folders)).toEqual([['same', 'same 2']]);
  });
});

describe('what is wrong with a folder', () => {
  it.each(['missing', 'of another evaluation', 'cannot be read'])(
    'predictions %s: no examples, and the page says so',
    async (what) => {
      const folder = copyOf(ruler);
      const path = join(folder, 'predictions.jsonl');
      if (what === 'missing') rmSync(path);
      else if (what === 'cannot be read') writeFileSync(path, 'nonsense\n');
      else cpSync(join(niah, 'predictions.jsonl'), path);
      const report = await reportResults({ folders: [folder] });
      expect(report.withoutExamples).toEqual([{ folder: 'copy', reason: expect.stringContaining(what) }]);
      const { text, tables } = readPage(report.text);
      expect(text).toContain(`No examples of copy: ${report.withoutExamples[0]!.reason}.`);
      expect(tables[0]!.rows).toHaveLength(2);
    },
  );

  it('no folder at all, and too many', async () => {
    await expect(reportResults({ folders: [] })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('expected at least one folder'),
    });
    const folders = Array.from({ length: 65 }, (_, index) => `f${index}`);
    await expect(reportResults({ folders })).rejects.toThrow(/at most 64 folders/);
  });

  it.each([
    ['an empty one', () => {}, /expected results.json in it, found none/, /evaluations wrote to/],
    [
      'shards',
      (folder: string) => writeFileSync(join(folder, 'predictions.1-of-2.jsonl'), ''),
      /results.json/,
      /eval merge/,
    ],
    [
      'an interrupted run',
      (folder: string) => writeFileSync(join(folder, 'predictions.jsonl'), ''),
      /results.json/,
      /again/,
    ],
  ] as const)('%s is refused with what to do', async (_what, prepare, message, hint) => {
    const folder = temporaryFolder();
    prepare(folder);
    await expect(reportResults({ folders: [folder] })).rejects.toMatchObject({
      code: 'READ_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('that is none, or a file', async () => {
    const place = temporaryFolder();
    await expect(reportResults({ folders: [join(place, 'none')] })).rejects.toThrow(/expected a folder.*found none/);
    writeFileSync(join(place, 'file'), '');
    await expect(reportResults({ folders: [join(place, 'file')] })).rejects.toThrow(/expected a folder.*found a file/);
  });

  it.each([
    ['minference.eval/1', 'another version of minference'],
    ['minference.perplexity/1', 'eval niah, eval ruler or eval infinitebench'],
  ])('results of schema %s', async (schema, hint) => {
    const folder = copyOf(ruler);
    editResults(folder, (results) => {
      (results as { schema: string }).schema = schema;
    });
    await expect(reportResults({ folders: [folder] })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining(`found "${schema}"`),
      hint: expect.stringContaining(hint),
    });
  });

  it('options that are wrong', async () => {
    await expect(reportResults({ folders: [ruler], out: 'report.pdf' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(reportResults({ folders: [ruler], format: 'pdf' as 'md' })).rejects.toThrow(/one of html, md, csv/);
    await expect(reportResults({ folder: ruler } as never)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('a place that cannot be written', async () => {
    const out = join(temporaryFolder(), 'none', 'report.html');
    await expect(reportResults({ folders: [ruler], out })).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });
});
