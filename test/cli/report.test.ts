import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rulerFolder } from '../eval/helpers/result-folder.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';

const folder = sharedFolder();
const results = join(folder, 'ruler');
const report = (...args: string[]) => runCli(['eval', 'report', ...args]);

beforeAll(async () => {
  await ensureBuilt();
  await rulerFolder(results);
});

describe('eval report', () => {
  it('writes report.html where it is called, and again over an earlier one', async () => {
    const cwd = temporaryFolder();
    for (let run = 0; run < 2; run++) {
      const result = await runCli(['eval', 'report', results], { cwd });
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(result.stdout).toMatch(
        /^report +report\.html \([\d.]+ KiB\)\nRULER: fake +dense, a_shape:64,256; from ruler\n$/,
      );
    }
    expect(readdirSync(cwd)).toEqual(['report.html']);
    expect(readFileSync(join(cwd, 'report.html'), 'utf8')).toMatch(/^<!doctype html>\n<html lang="en">/);
  });

  it('prints Markdown and CSV on stdout, or writes the file whose name says so', async () => {
    const [markdown, csv] = await Promise.all([report(results, '--format', 'md'), report(results, '--format', 'csv')]);
    expect(markdown.stdout).toContain('\n| method | 1k | 2k | mean |');
    expect(csv.stdout).toMatch(/^evaluation,model,folder,length,task,method,n,score,/);
    for (const [name, text] of [
      ['a.md', markdown.stdout],
      ['a.csv', csv.stdout],
    ] as const) {
      const out = join(temporaryFolder(), name);
      for (let run = 0; run < 2; run++) expect(await report(results, '--out', out)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(out, 'utf8')).toBe(text);
    }
  });

  it('tells programs what it made', async () => {
    const out = join(temporaryFolder(), 'a.html');
    const { stdout } = await report(results, '--out', out, '--json');
    expect(JSON.parse(stdout)).toEqual({
      format: 'html',
      out,
      sections: [{ title: 'RULER: fake', folders: ['ruler'], methods: ['dense', 'a_shape:64,256'] }],
      withoutExamples: [],
      bytes: readFileSync(out).length,
      text: null,
    });
    const printed = JSON.parse((await report(results, '--format', 'csv', '--json')).stdout);
    expect(printed).toMatchObject({ out: null, text: expect.stringContaining('a_shape') });
  });

  it('warns where there are no examples', async () => {
    const copy = join(temporaryFolder(), 'copy');
    mkdirSync(copy);
    writeFileSync(join(copy, 'results.json'), readFileSync(join(results, 'results.json')));
    const result = await report(copy, '--out', join(copy, 'report.html'));
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stderr).toContain('copy: no examples, predictions.jsonl is missing');
  });

  it.each([
    [[], 2, /missing required argument 'folders'/],
    [['nowhere'], 1, /nowhere: expected a folder of results, found none\nhint: give the folders/],
    [[results, '--format', 'pdf'], 2, /--format: expected one of html, md, csv, found "pdf"; e\.g\. --format md/],
    [[results, '--out', 'report'], 2, /--out: expected a name that ends in \.html, \.md or \.csv, found report/],
    [
      [results, '--out', 'package.json', '--format', 'html'],
      2,
      /expected a new file or an earlier result.*package\.json/,
    ],
    [[results, '--out', '/dev/full', '--format', 'csv'], 2, /expected a new file or an earlier result/],
    [[results, '--out', join(folder, 'none', 'a.html')], 1, /its folder does not exist[\s\S]*mkdir -p/],
  ] as const)('%j ends in a message', async (args, exitCode, message) => {
    const result = await report(...args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});

describe('a full disk', () => {
  const disk = join(folder, 'disk');
  let mounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'ignore' });
      mounted = true;
    } catch {
      // Only root may mount.
    }
  });
  afterAll(() => {
    if (mounted) execFileSync('umount', [disk]);
  });

  it('is told, and the earlier report stays', async ({ skip }) => {
    if (!mounted) skip('mounting a small disk needs root');
    const out = join(disk, 'report.html');
    writeFileSync(out, '<!-- "minference.report/1" -->');
    const result = await report(results, '--out', out);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/cannot write .*: no space left on the disk \(ENOSPC\)\nhint: free some space/);
    expect(readdirSync(disk)).toEqual(['report.html']);
    expect(readFileSync(out, 'utf8')).toBe('<!-- "minference.report/1" -->');
  });
});
