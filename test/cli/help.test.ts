import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';

beforeAll(ensureBuilt);

const COMMANDS = [
  ['search'],
  ['prefill'],
  ['eval', 'niah'],
  ['eval', 'ruler'],
  ['eval', 'infinitebench'],
  ['eval', 'ppl'],
  ['eval', 'latency'],
  ['eval', 'merge'],
  ['eval', 'report'],
  ['inspect'],
];

describe('help and version', () => {
  it('shows the commands without an argument and with --help', async () => {
    const bare = await runCli([]);
    const help = await runCli(['--help']);
    expect(bare).toMatchObject({ exitCode: 0, stdout: help.stdout, stderr: '' });
    for (const name of ['search', 'prefill', 'eval', 'inspect']) expect(help.stdout).toContain(`\n  ${name} `);
    expect(help.stdout).toMatch(/Examples:\n(.*\n)+.*minference search/);
  });

  it('is fast: loads no implementation and no library but commander for the help', async () => {
    const { stderr } = await runCli(['search', '--help'], { env: { NODE_DEBUG: 'esm' } });
    expect(stderr).toContain('dist/src/cli/program.js');
    expect(stderr).toContain('node_modules/commander');
    expect(stderr).not.toMatch(/node_modules\/(?!commander)|\/run\.js|dist\/src\/(model|onnx|runtime|prefill|eval)\//);
  });

  it('help <command> is <command> --help', async () => {
    const [help, option] = await Promise.all([runCli(['help', 'search']), runCli(['search', '--help'])]);
    expect(help).toMatchObject({ exitCode: 0, stdout: option.stdout });
  });

  it('shows the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const result = await runCli(['--version']);
    expect(result).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(COMMANDS)('%s %s: help ends in real examples that its own options accept', async (...words) => {
    const { exitCode, stdout } = await runCli([...words, '--help']);
    expect(exitCode).toBe(0);
    const examples = stdout.slice(stdout.indexOf('Examples:'));
    const lines = examples.split('\n').filter((line) => line.startsWith('  minference '));
    expect(lines.length).toBeGreaterThanOrEqual(2);
    const options = stdout.slice(0, stdout.indexOf('Examples:'));
    for (const line of lines) {
      expect(line).toContain(`minference ${words.join(' ')}`);
      for (const [option] of line.split('|')[0]!.matchAll(/--[a-z-]+/g)) expect(options).toContain(option);
    }
    for (const option of ['--json', '--quiet', '--debug', '--help']) expect(options).toContain(option);
  });
});

describe('usage errors', () => {
  it.each([
    [['serch'], "unknown command 'serch'", 'Did you mean search?'],
    [['eval', 'nih'], "unknown command 'nih'", 'Did you mean niah?'],
    [['search', '--lenght', '8k'], "unknown option '--lenght'", 'Did you mean --length?'],
    [['search', 'extra'], 'too many arguments', ''],
    [['search', '--length'], 'argument missing', '--length'],
    [['eval'], '', 'niah'],
  ])('minference %j', async (args, problem, suggestion) => {
    const result = await runCli(args);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(problem);
    expect(result.stderr).toContain(suggestion);
  });

  it.each([
    ['search', '--length', 'abc', 'a number of tokens', '--length 16k'],
    ['search', '--length', '0', 'a number of tokens', '--length 16k'],
    ['search', '--samples', '1.5', 'a number of prompts from 1 to 1000', '--samples 2'],
    ['search', '--objective', 'recall', 'one of answer, output, both, mass', '--objective output'],
    ['search', '--budget', '150x', 'a budget such as 20%', '--budget 20%'],
    ['search', '--device', 'gpu', 'one of auto, cpu, cuda', '--device cpu'],
    ['search', '--threads', '0', 'a number of threads from 1', '--threads 4'],
    ['search', '--seed', '-1', 'a whole number', '--seed 7'],
    ['search', '--model', '', 'a folder or a Hub id', '--model ./models'],
    ['prefill', '--compare', 'nothing', 'one of dense', '--compare dense'],
    ['prefill', '--max-new-tokens', 'many', 'a number of tokens', '--max-new-tokens 16'],
    ['eval niah', '--lengths', '2,048', 'a list', '--lengths 2k,4k'],
    ['eval niah', '--tasks', 'single,mulitkey', 'multikey', '--tasks single,kv'],
    ['eval niah', '--methods', 'sparse', 'dense', '--methods dense,minference'],
    ['eval ppl', '--documents', '0', 'a number of documents from 1', '--documents 100'],
    ['eval ppl', '--stride', 'x', 'a number of tokens', '--stride 1k'],
  ])('minference %s %s %j says what was expected, what was found, and an example', async (...row) => {
    const [command, option, value, expected, example] = row;
    const result = await runCli([...command.split(' '), option, value]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    const [line] = result.stderr.split('\n');
    expect(line).toMatch(new RegExp(`^error: ${option}: expected .*${expected}.*, found .*; e\\.g\\. ${example}`));
  });
});
