import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvalResults } from '../../src/eval/harness/results.js';
import { CSV_HEADER } from '../../src/eval/report/csv.js';
import { text } from '../../src/eval/report/markdown.js';
import { chooseFormat } from '../../src/eval/report/options.js';
import { reportResults } from '../../src/eval/report/report-results.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { editResults, niahFolder, rulerFolder } from './helpers/result-folder.js';

const shared = sharedFolder();
const ruler = join(shared, 'ruler');

beforeAll(() => rulerFolder(ruler));

const resultsOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as EvalResults;

describe('chooseFormat', () => {
  it.each([
    [{}, 'html'],
    [{ out: 'a.HTM' }, 'html'],
    [{ out: 'a.md' }, 'md'],
    [{ out: 'x/a.csv' }, 'csv'],
    [{ out: 'a.html', format: 'csv' as const }, 'csv'],
  ])('%j is %s', (options, format) => expect(chooseFormat(options)).toBe(format));
  it('refuses a name that says nothing', () => {
    expect(() => chooseFormat({ out: 'report' })).toThrow(
      /expected a name that ends in .html, .md or .csv, found report/,
    );
  });
});

describe('CSV', () => {
  it('has a line per length, task and method, with the numbers of the results', async () => {
    const niah = join(temporaryFolder(), 'niah');
    await niahFolder(niah);
    const out = join(temporaryFolder(), 'all.csv');
    const report = await reportResults({ folders: [ruler, niah], out });
    expect(report).toMatchObject({ format: 'csv', out });
    const csv = readFileSync(out, 'utf8');
    expect(csv).toBe(report.text);
    const [header, ...lines] = csv.trimEnd().split('\r\n');
    expect(header).toBe(CSV_HEADER);
    const rows = resultsOf(ruler).rows;
    expect(lines).toHaveLength(rows.length + resultsOf(niah).rows.length);
    const row = rows.find(({ method }) => method !== 'dense')!;
    const line = lines.find((line) => line.includes('"a_shape:64,256"'));
    expect(line).toBe(
      [
        ...['ruler', 'fake', 'ruler', row.length, row.task, '"a_shape:64,256"', row.n, row.score, row.low, row.high],
        ...[row.difference, row.difference_low, row.difference_high],
        ...[row.computed, row.prefill_ms, row.speedup, row.truncated, row.failed],
      ].join(','),
    );
    expect(lines[0]).toMatch(/^ruler,fake,ruler,1024,niah_single_1,dense,3,100,43\.85,100,,,,1,20,,0,0$/);
  });

  it('quotes what needs it, and lets no spreadsheet take a name for a formula', async () => {
    const folder = join(temporaryFolder(), '=1+2');
    await rulerFolder(folder);
    editResults(folder, ({ rows }) => {
      rows[0]!.method = 'a "quoted", name\nof two lines';
      rows[1]!.method = '@SUM(A1)';
    });
    const { text: csv } = await reportResults({ folders: [folder], format: 'csv' });
    expect(csv).toContain(',"a ""quoted"", name\nof two lines",');
    expect(csv).toContain(",'@SUM(A1),");
    expect(csv).toContain("ruler,fake,'=1+2,1024");
  });
});

describe('Markdown', () => {
  it('has the tables with as many cells in every line', async () => {
    const { text: markdown, format } = await reportResults({ folders: [ruler], format: 'md' });
    expect(format).toBe('md');
    const lines = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(lines[0]).toBe(
      '| method | 1k | 2k | mean | vs dense | effective length | computed | prefill at 2k | speed-up at 2k |',
    );
    expect(lines[1]).toBe('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    expect(lines[2]).toMatch(/^\| dense \| 100\.0<br><sub>61\.0 – 100\.0<\/sub> \| /);
    const cells = (line: string) => line.match(/(?<!\\)\|/g)!.length - 1;
    expect(new Set(lines.slice(0, 4).map(cells))).toEqual(new Set([9]));
    expect(markdown).toContain('**Score by task at 2k tokens**');
    expect(markdown).toContain('## RULER: fake');
  });

  it.each([
    ['a_shape:64,256', 'a_shape:64,256'],
    ['_x_ a|b *c* `d` [e] ~f~ \\', '\\_x\\_ a\\|b \\*c\\* \\`d\\` \\[e\\] \\~f\\~ \\\\'],
    ['<b> & @user #1', '&#60;b&#62; &#38; &#64;user &#35;1'],
    ['two\nlines\u202e\0', 'two lines\\\\u{202e}␀'],
  ])('%j is escaped once', (value, expected) => expect(text(value)).toBe(expected));
});
