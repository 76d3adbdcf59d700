import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli, start, startCli } from './helpers/run-cli.js';
import { tinyPatterns, writeTinyModel } from './helpers/tiny-models.js';

const folder = sharedFolder();
let commands: Record<'search' | 'eval', string[]>;

beforeAll(async () => {
  await ensureBuilt();
  const model = await writeTinyModel(folder);
  const patterns = join(folder, 'tiny-patterns.json');
  writeFileSync(patterns, tinyPatterns());
  const grid = ['--lengths', '1k', '--depths', '5', '--tasks', 'single_1', '--methods', 'dense,minference'];
  commands = {
    search: ['search', '--model', model, '--length', '1k', '--samples', '16'],
    eval: ['eval', 'niah', '--model', model, '--patterns', patterns, ...grid],
  };
});

const NAMES = ['search', 'eval'] as const;

describe.each(NAMES)('%s to a place that cannot be written', (name) => {
  it.each([
    [
      'in a folder that is not there',
      (path: string) => join(path, 'none', 'out.json'),
      [1, 1],
      /its folder does not exist[\s\S]*mkdir -p/,
    ],
    ['that is a folder', (path: string) => path, [1, 2], /it is a folder|others’ files/],
    ['below a file', (path: string) => join(path, 'file', 'out.json'), [1, 1], /ENOTDIR/],
    [
      'that is somebody’s file',
      (path: string) => join(path, 'file'),
      [2, 2],
      /--out: expected (a new file or an earlier result|a folder, found a file)/,
    ],
    ['that is a device', () => '/dev/full', [2, 2], /--out: expected a (new file|folder)/],
  ] as const)('%s', async (_what, place, exitCodes, message) => {
    const exitCode = exitCodes[NAMES.indexOf(name)];
    const path = temporaryFolder();
    writeFileSync(join(path, 'file'), 'precious');
    const result = await runCli([...commands[name], '--out', place(path)]);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(readdirSync(path)).toEqual(['file']);
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('precious');
  });
});

describe('a disk that fills up', () => {
  const disk = join(folder, 'disk');
  let mounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'ignore' });
      mounted = true;
    } catch {
      // Only root may mount; the other test does without.
    }
  });
  afterAll(() => {
    if (mounted) execFileSync('umount', [disk]);
  });

  it.for(NAMES)('%s says so and leaves no half-written result', async (name, { skip }) => {
    if (!mounted) skip('mounting a small disk needs root');
    writeFileSync(join(disk, 'fill'), new Uint8Array(8192));
    const result = await runCli([...commands[name], '--out', join(disk, 'out.json')]);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/cannot write .*: no space left on the disk \(ENOSPC\)\nhint: free some space/);
    const left = readdirSync(disk, { recursive: true }).map(String);
    expect(left.filter((file) => /tmp|lock/.test(file))).toEqual([]);
    expect(left.filter((file) => /^out\.json$|results\.json$/.test(file) && file !== 'out.json')).toEqual([]);
    if (name === 'search') expect(left).not.toContain('out.json');
  });

  it('a file size limit is reported in the same way', async () => {
    const out = join(temporaryFolder(), 'out.json');
    const words = [process.execPath, 'bin/minference.js', ...commands.search, '--samples', '1', '--out', out];
    const script = `ulimit -f 4; exec ${words.map((word) => `'${word}'`).join(' ')}`;
    const result = await start('sh', ['-c', script]).result;
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/cannot write .*\(EFBIG\)/);
    expect(readdirSync(join(out, '..')).filter((file) => /tmp|lock|^out.json$/.test(file))).toEqual([]);
  });

  it('a full stdout ends in a message', async () => {
    const result = await start('sh', ['-c', `'${process.execPath}' bin/minference.js inspect > /dev/full`]).result;
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/error: cannot write the result to stdout.*ENOSPC/);
  });
});

describe('interrupted', () => {
  it.each([
    ['search', /^prompt 2 of/m, /continuing: (\d+) of 16 calibration prompts were finished/],
    ['eval', /evaluating: +\d\d %/, /continuing: (\d+) of 10 answers were finished/],
  ] as const)('%s continues where it stopped', async (name, reached, continued) => {
    const path = temporaryFolder();
    const args = [...commands[name], '--out', join(path, 'out.json')];
    const first = startCli(args);
    await first.printed(reached, 'stderr');
    first.kill('SIGINT');
    const stopped = await first.result;
    expect(stopped).toMatchObject({ exitCode: 130, stdout: '' });
    expect(stopped.stderr).toMatch(/error: .*(interrupt|stop|abort)/i);
    expect(stopped.stderr).toMatch(/hint: .*run the same command/);
    const left = readdirSync(path, { recursive: true }).map(String);
    expect(left.filter((file) => /lock|tmp|results\.json$/.test(file))).toEqual([]);
    expect(existsSync(join(path, 'out.json'))).toBe(name === 'eval');

    const second = await runCli([...args, '--json']);
    expect(second.exitCode).toBe(0);
    expect(Number(second.stderr.match(continued)?.[1])).toBeGreaterThan(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ out: join(path, 'out.json') });
    const files = readdirSync(name === 'eval' ? join(path, 'out.json') : path);
    const expected =
      name === 'eval' ? /^(curves|heatmap|predictions|results)\.(svg|png|jsonl?)$/ : /^out(\.\w+)?\.(json|svg)$/;
    expect(files.every((file) => expected.test(file) && !file.includes('resume'))).toBe(true);
  });

  it.each(
    (['SIGINT', 'SIGKILL'] as const).flatMap((signal) => [
      ['search', signal, /^prompt 2 of/m, /continuing: (\d+) of 16 calibration prompts were finished/] as const,
      ['eval', signal, /evaluating: +\d\d %/, /continuing: (\d+) of 10 answers were finished/] as const,
    ]),
  )('%s continues after %s with its output in the folder of the model', async (name, signal, reached, continued) => {
    const model = await writeTinyModel(temporaryFolder());
    const shared = join(folder, 'tiny');
    const args = [...commands[name].map((word) => (word === shared ? model : word)), '--out', 'out.json'];
    const before = readdirSync(model);
    const first = startCli(args, { cwd: model });
    await first.printed(reached, 'stderr');
    first.kill(signal);
    expect((await first.result).exitCode).not.toBe(0);

    const second = await runCli([...args, '--json'], { cwd: model });
    expect(second).toMatchObject({ exitCode: 0 });
    expect(Number(second.stderr.match(continued)?.[1])).toBeGreaterThan(0);
    const added = readdirSync(model).filter((file) => !before.includes(file));
    expect(added.filter((file) => !/^out(\.\w+)?\.(json|svg)$/.test(file) || file.includes('resume'))).toEqual([]);
  });

  it('--no-resume starts over', async () => {
    const args = [...commands.search, '--out', join(temporaryFolder(), 'out.json')];
    const first = startCli(args);
    await first.printed(/^prompt 2 of/m, 'stderr');
    first.kill('SIGINT');
    await first.result;
    const second = startCli([...args, '--no-resume']);
    await second.printed(/^prompt 1 of/m, 'stderr');
    second.kill('SIGINT');
    expect((await second.result).stderr).not.toContain('continuing');
  });

  it('prefill stops and says that nothing was kept', async () => {
    const model = commands.search[2]!;
    const prefill = startCli([
      'prefill',
      '--model',
      model,
      '--patterns',
      'dense',
      '--prompt',
      'x',
      '--max-new-tokens',
      '4000',
    ]);
    await prefill.printed('prefill: ', 'stderr');
    prefill.kill('SIGINT');
    expect(await prefill.result).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining('hint: nothing was kept'),
    });
  });
});

it.each(NAMES)('two runs of %s never write the same file', async (name) => {
  const path = temporaryFolder();
  const args = [...commands[name], '--out', join(path, 'out.json')];
  const first = startCli(args);
  await first.printed(/^prompt 1 of|evaluating/m, 'stderr');
  // Held still, so that it cannot finish before the second one starts.
  first.kill('SIGSTOP');
  const second = await runCli(args);
  expect(second).toMatchObject({ exitCode: 1, stdout: '' });
  expect(second.stderr).toMatch(
    /error: another run is writing .*out\.json(?:\/predictions\.jsonl)? \(process \d+ on .*, since .*\)\nhint: .*--out/,
  );
  first.kill('SIGKILL');
  await first.result;

  // The lock of a killed run is no obstacle.
  const third = startCli(args);
  await third.printed(/^(prompt|continuing)|evaluating/m, 'stderr');
  third.kill('SIGINT');
  expect(await third.result).toMatchObject({ exitCode: 130 });
});
