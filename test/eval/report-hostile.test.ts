import { renameSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html } from '../../src/eval/report/html.js';
import { nameWithoutFolders, printable, shorten, withoutFolders } from '../../src/eval/report/printable.js';
import { reportResults } from '../../src/eval/report/report-results.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { readPage } from './helpers/read-page.js';
import { editAnswers, editResults, rulerFolder } from './helpers/result-folder.js';

const HOSTILE = `<script>alert("1")</script> &amp; &lt; '"><img src=x onerror=alert(1)> \u202eabc\u2066 \u0000\u0007\u001b[31m \ud800 \uffff`;

describe('hostile texts', () => {
  it('are shown as they are, escaped once, wherever they stand', async () => {
    const folder = await rulerFolder(join(temporaryFolder(), 'a <b> & "c"'));
    await editAnswers(folder, ({ prompt, answer }) => {
      prompt.references = [HOSTILE];
      answer!.prediction = `${HOSTILE} answer`;
      answer!.score = answer!.method === 'dense' ? 1 : 0;
    });
    const method = `minference:${HOSTILE}`;
    const task = `task ${HOSTILE}`;
    editResults(folder, (results) => {
      results.model.id = `model ${HOSTILE}`;
      results.device.cpu = `cpu ${HOSTILE}`;
      const { tasks, methods } = results.options;
      for (const row of [...methods.slice(1), ...results.aggregates, ...results.rows, ...results.effective_lengths]) {
        const named = row as { name?: string; method?: string };
        if (named.name === 'a_shape:64,256') named.name = method;
        if (named.method === 'a_shape:64,256') named.method = method;
      }
      for (const row of results.rows) if (row.task === tasks[0]!.name) row.task = task;
      tasks[0]!.name = task;
      methods[0]!.description = HOSTILE;
      const failure = { task, length: 1024, depth: null, sample: 0, method, code: HOSTILE, message: HOSTILE };
      results.failures.push({ ...failure, skipped: false });
    });
    const { text: page } = await reportResults({ folders: [folder] });
    // Well-formed, so that no text made an element or an attribute.
    const { text, elements, tables } = readPage(page);
    expect(elements).not.toContain('script');
    expect(elements).not.toContain('img');
    const shown = printable(HOSTILE);
    expect(shown).toContain('<script>alert("1")</script> &amp; &lt;');
    expect(shown).toContain('\\u{202e}abc\\u{2066} ␀␇␛[31m \\u{d800} \\u{ffff}');
    for (const start of ['model ', 'cpu ']) expect(text).toContain(`${start}${shown}`);
    expect(tables[0]!.rows[1]![0]).toContain('minference:<script>alert("1")</script> &amp; &lt;');
    expect(tables.find(({ caption }) => caption.includes('by task'))!.columns[1]).toBe(`task ${shown}`);
    expect(text).toContain('a <b> & "c"');
    for (const unseen of ['\0', '\u202e', '\u2066', '\u001b', '\ud800']) expect(page.includes(unseen)).toBe(false);
    expect(page).not.toContain('&amp;amp;amp;');
    expect(page).not.toContain('&amp;lt;script');
  });

  it('of answers are shown once they are examples', async () => {
    const folder = await rulerFolder(join(temporaryFolder(), 'run'));
    await editAnswers(folder, ({ prompt, answer }) => {
      prompt.references = [HOSTILE];
      answer!.prediction = `${answer!.method} ${HOSTILE}`;
      answer!.score = answer!.method === 'dense' ? 1 : 0;
    });
    const { text, elements } = readPage((await reportResults({ folders: [folder] })).text);
    const examples = text.slice(text.indexOf('Answers that differ'));
    for (const name of ['dense ', 'a_shape:64,256 ', '']) expect(examples).toContain(`\n${name}${printable(HOSTILE)}`);
    expect(elements).not.toContain('script');
  });

  it('of any kind stay text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const { text, elements } = readPage(html`<p title="${value}">${value}</p>`.markup);
        expect(elements).toEqual(['p']);
        expect(text.replace(/\n/g, '')).toBe(printable(value).replace(/\n/g, ''));
      }),
    );
  });
});

describe('html', () => {
  it('puts markup in as it is, joins lists, and leaves nothing out but false, null and undefined', () => {
    const item = (value: string) => html`<li>${value}</li>`;
    expect(html`<ul>${['a', '<'].map(item)}${false}${null}${undefined}${0}${''}</ul>`.markup).toBe(
      '<ul><li>a</li><li>&lt;</li>0</ul>',
    );
  });
});

describe('paths', () => {
  it.each([
    ['cannot open /home/me/models/a.onnx: no space', 'cannot open …/a.onnx: no space'],
    ['("/data/x/y") and ~/z/w', '("…/y") and …/w'],
    ['file:///srv/data/x.bin', '…/x.bin'],
    ['../up/there/p.json', '…/p.json'],
    ['https://example.org/a/b', 'https://example.org/a/b'],
    ['org/model at 12 tokens/s, 1/2', 'org/model at 12 tokens/s, 1/2'],
  ])('%j loses its folders', (text, short) => expect(withoutFolders(text)).toBe(short));

  it.each([
    ['minference:/home/my name/a b.json', 'minference:…/a b.json'],
    ['/srv/models/llama', '…/llama'],
    ['org/model', 'org/model'],
    ['a_shape:64,256', 'a_shape:64,256'],
  ])('the name %j loses its folders', (name, short) => expect(nameWithoutFolders(name)).toBe(short));

  it('are nowhere in a page, and methods that differ in them only stay apart', async () => {
    const folder = await rulerFolder(join(temporaryFolder(), 'run'), {
      methods: 'dense,a_shape:64,256,a_shape:64,512',
    });
    editResults(folder, (results) => {
      results.model.id = '/srv/models/llama';
      results.data.haystack!.name = '/srv/data/novel.txt';
      const names: Record<string, string> = {
        'a_shape:64,256': 'minference:/srv/one/p.json',
        'a_shape:64,512': 'minference:/srv/two/p.json',
      };
      for (const method of results.options.methods) method.name = names[method.name] ?? method.name;
      for (const row of [...results.rows, ...results.aggregates]) row.method = names[row.method] ?? row.method;
    });
    for (const format of ['html', 'md', 'csv'] as const) {
      const { text, sections } = await reportResults({ folders: [folder], format });
      expect(text).not.toContain('/srv/');
      expect(text).not.toContain(folder);
      expect(sections[0]!.methods).toEqual(['dense', 'minference:…/p.json', 'minference:…/p.json 2']);
    }
  });
});

describe('shorten', () => {
  it('tells how much is left out, and cuts no character in two', () => {
    expect(shorten('short', 5)).toBe('short');
    expect(shorten('a'.repeat(2000), 3)).toBe('aaa… (1,997 more characters)');
    expect(shorten('aa😀😀', 3)).toBe('aa… (3 more characters)');
  });
});

describe('a page', () => {
  it('is smaller than 5 MB however long answers and names are, and keeps what matters most', async () => {
    const folder = await rulerFolder(join(temporaryFolder(), 'run'));
    await editAnswers(folder, ({ answer }) => {
      answer!.prediction = '<&>'.repeat(20_000);
      answer!.score = answer!.method === 'dense' ? 1 : 0;
    });
    expect((await reportResults({ folders: [folder] })).text.length).toBeLessThan(100_000);
    editResults(folder, (results) => {
      const { options, rows, aggregates } = results;
      const names = Array.from({ length: 80 }, (_, index) => `${'&'.repeat(70)}${index}`);
      options.methods = names.map((name) => ({ ...options.methods[1]!, name }));
      options.lengths = Array.from({ length: 70 }, (_, index) => 1000 + index);
      options.tasks = Array.from({ length: 70 }, (_, index) => ({
        ...options.tasks[0]!,
        name: `${'<'.repeat(70)}${index}`,
      }));
      const [row, mean] = [rows[1]!, aggregates[1]!];
      results.aggregates = names.flatMap((method) => options.lengths.map((length) => ({ ...mean, method, length })));
      results.rows = names.flatMap((method) =>
        options.lengths.slice(0, 40).map((length) => ({ ...row, method, length, task: options.tasks[0]!.name })),
      );
    });
    renameSync(join(folder, 'predictions.jsonl'), join(folder, 'away'));
    const { text: page } = await reportResults({ folders: [folder] });
    expect(Buffer.byteLength(page)).toBeLessThan(5_000_000);
    const { text, tables } = readPage(page);
    expect(tables[0]!.caption).toBe('Score by length');
    expect(tables[0]!.rows).toHaveLength(64);
    expect(text).toContain('Left out: the page would be larger than 5 MB.');
    expect(text).toContain('There are 80 methods; only the first ones are shown.');
  });
});
