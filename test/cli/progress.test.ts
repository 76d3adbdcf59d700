import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from './helpers/build.js';
import { start, startInTerminal } from './helpers/run-cli.js';

beforeAll(ensureBuilt);

const FIXTURE = join(ROOT, 'test/cli/fixtures/progress.mjs');
const command = (...args: (string | number)[]) => `${process.execPath} ${FIXTURE} ${args.join(' ')}`;
const startFixture = (...args: (string | number)[]) => start(process.execPath, [FIXTURE, ...args.map(String)]);
const run = (...args: (string | number)[]) => startFixture(...args).result;
const runInTerminal = (command: string, env?: Record<string, string>) => startInTerminal(command, env).result;

const ESCAPE = '\u001B';
const HIDE_CURSOR = `${ESCAPE}[?25l`;
const SHOW_CURSOR = `${ESCAPE}[?25h`;
/** Colours and other rendition, as opposed to cursor movement. */
const colours = (text: string) =>
  [...text.matchAll(new RegExp(`${ESCAPE}\\[([0-9;]*)m`, 'g'))].filter(([, code]) => code !== '0');

describe('plain lines, where stderr is no terminal', () => {
  it('keeps the result and the progress apart and moves no cursor', async () => {
    const { stdout, stderr, exitCode } = await run('run', 3, 1);
    expect({ stdout, exitCode }).toEqual({ stdout: 'the result\n', exitCode: 0 });
    expect(stderr.split('\n')).toEqual([
      'a note before',
      ...[1, 2, 3].map((layer) => `layer ${layer}  vertical_slash`),
      'Searching: 3 layers in 0:00',
      '',
    ]);
  });

  it('keeps lines also with --json, and nothing at all with --quiet', async () => {
    const json = await run('run', 2, 1, '--json');
    expect(JSON.parse(json.stdout)).toEqual({ steps: 2 });
    expect(json.stderr).toContain('Searching: 2 layers');
    expect(await run('run', 2, 1, '--quiet')).toMatchObject({ stdout: 'the result\n', stderr: '' });
  });

  it.each([{ CI: 'true' }, { TERM: 'dumb' }])('also on a terminal when %j', async (env) => {
    const { stdout } = await runInTerminal(command('run', 2, 50), env);
    expect(stdout).not.toContain(ESCAPE);
    expect(stdout).toContain('layer 2  vertical_slash\r\nSearching: 2 layers in 0:00\r\n\r\nthe result');
  });
});

describe('a terminal', () => {
  it('shows rows above a bar and leaves a clean screen', async () => {
    const { stdout, exitCode } = await runInTerminal(command('run', 4, 400));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(HIDE_CURSOR);
    expect(stdout).toMatch(/━+.*─+.*50 %.*2\/4 layers · 0:0\d/);
    expect(stdout.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.lastIndexOf(HIDE_CURSOR));
    expect(stdout).toMatch(/✔.* Searching: 4 layers in 0:0\d/);
    expect(stripVTControlCharacters(stdout).trimEnd().endsWith('\nthe result')).toBe(true);
    expect(colours(stdout).length).toBeGreaterThan(0);
  });

  it('uses no colour with NO_COLOR', async () => {
    const { stdout } = await runInTerminal(command('run', 3, 300), { NO_COLOR: '1' });
    expect(stdout).toMatch(/━+─+/);
    expect(colours(stdout)).toEqual([]);
  });

  it('stops at the first Ctrl-C, says how to go on and gives the terminal back', async () => {
    const terminal = startInTerminal(`trap : INT; ${command('run', 100, 200)}; echo "exit $?"; stty -a`);
    await terminal.printed('layer 1');
    terminal.type('\u0003');
    const { stdout } = await terminal.result;
    expect(stdout).toContain('Ctrl-C again quits at once');
    expect(stdout).toMatch(/■.* Searching: stopped at \d\/100 layers/);
    expect(stdout).toMatch(/error:.* interrupted\r\n.*hint:.* run it again/);
    expect(stdout).toContain('exit 130');
    expect(stdout.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.lastIndexOf(HIDE_CURSOR));
    expect(stdout).toMatch(/\bicanon\b[\s\S]* echo /);
  });

  it('quits at once at the second Ctrl-C, even in the middle of a step', async () => {
    const terminal = startInTerminal(command('stuck', 2, 60_000));
    await terminal.printed('Searching');
    terminal.type('\u0003');
    await terminal.printed('Ctrl-C again');
    terminal.type('\u0003');
    const { stdout } = await terminal.result;
    expect(stdout).not.toContain('layer 1');
    expect(stdout.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.lastIndexOf(HIDE_CURSOR));
  });

  it('gives the terminal back after a crash', async () => {
    const { stdout, exitCode } = await runInTerminal(command('crash', 20, 1000));
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/error:.* unexpected failure: boom/);
    expect(stdout.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.lastIndexOf(HIDE_CURSOR));
  });
});

describe('signals without a terminal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends with exit code %i and a way to go on', async (signal, code) => {
    const subprocess = startFixture('run', 100, 100);
    await subprocess.printed('layer 1', 'stderr');
    subprocess.kill(signal);
    const { exitCode, stderr, stdout } = await subprocess.result;
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toMatch(/Searching: stopped at \d+\/100 layers[\s\S]*hint: run it again/);
  });

  it('a second one ends the process by the signal, whatever native code does', async () => {
    const subprocess = startFixture('stuck', 2, 60_000);
    await subprocess.printed('a note before', 'stderr');
    subprocess.kill('SIGINT');
    await subprocess.printed('Ctrl-C again', 'stderr');
    subprocess.kill('SIGINT');
    expect(await subprocess.result).toMatchObject({ signal: 'SIGINT' });
  });
});
