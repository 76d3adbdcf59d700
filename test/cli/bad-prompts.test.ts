import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { cliCommand, runCli, startInTerminal } from './helpers/run-cli.js';
import { writeTinyModel } from './helpers/tiny-models.js';

const folder = sharedFolder();
let model: string[];

beforeAll(async () => {
  await ensureBuilt();
  model = ['--model', await writeTinyModel(folder), '--patterns', 'dense', '--max-new-tokens', '1'];
});

function file(content: string | Uint8Array): string {
  const path = join(folder, 'prompt.txt');
  writeFileSync(path, content);
  return path;
}

describe('prompts that cannot be used', () => {
  it('longer than the positions of the model', async () => {
    const result = await runCli(['prefill', ...model, '--prompt-file', file('word '.repeat(2000))]);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/expected a prompt of at most 4096 tokens.*found (at least )?\d+/);
    expect(result.stderr).toMatch(/hint: Shorten/);
  });

  it('empty, from a file, an option and stdin', async () => {
    const promptless: [string[], number][] = [
      [['--prompt-file', file('')], 1],
      [['--prompt', ' '], 2],
      [[], 1],
    ];
    for (const [args, exitCode] of promptless) {
      const result = await runCli(['prefill', ...model, ...args]);
      expect(result).toMatchObject({ stdout: '', exitCode });
      expect(result.stderr).toMatch(/expected .*(text|prompt)/);
    }
  });

  it('not UTF-8', async () => {
    const latin1 = Buffer.from('Größe', 'latin1');
    const fromFile = await runCli(['prefill', ...model, '--prompt-file', file(latin1)]);
    const fromStdin = await runCli(['prefill', ...model], { input: latin1 });
    for (const result of [fromFile, fromStdin]) {
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toMatch(/: expected text in UTF-8, found other bytes[\s\S]*iconv/);
    }
  });

  it('a file that is not there, or a folder', async () => {
    const missing = await runCli(['prefill', ...model, '--prompt-file', join(folder, 'none.txt')]);
    expect(missing).toMatchObject({ exitCode: 1 });
    expect(missing.stderr).toMatch(/expected a file at .*, found none/);
    expect((await runCli(['prefill', ...model, '--prompt-file', folder])).stderr).toMatch(
      /expected a file at .*, found a folder/,
    );
  });

  it('none at a terminal: a usage error instead of waiting', async () => {
    const { stdout, exitCode } = await startInTerminal(cliCommand(['prefill', ...model])).result;
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/expected a prompt, found none/);
    expect(stdout).toContain('--prompt-file');
  });

  it('two at once', async () => {
    const result = await runCli(['prefill', ...model, '--prompt', 'a', '--prompt-file', file('b')]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

it('--json puts the error on stdout too, as an object', async () => {
  const result = await runCli(['prefill', ...model, '--prompt', ' ', '--json']);
  expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  expect(result.exitCode).not.toBe(0);
});

it('--debug adds the stack', async () => {
  const result = await runCli(['prefill', ...model, '--prompt-file', join(folder, 'none.txt'), '--debug']);
  expect(result.stderr).toMatch(/^ {4}at /m);
  expect(result.stderr).toContain('caused by: Error: ENOENT');
});
