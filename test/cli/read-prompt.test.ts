import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { MAX_PROMPT_BYTES, type PromptSource, readPrompt } from '../../src/cli/commands/prefill/read-prompt.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

const read = (source: PromptSource, stdin: Readable & { isTTY?: boolean } = Readable.from([])) =>
  readPrompt(source, { stdin, signal: new AbortController().signal });

describe('readPrompt', () => {
  it('takes the argument as it is', async () => {
    expect(await read({ prompt: ' a\n' })).toBe(' a\n');
  });

  it('reads files and stdin without the last line break and the byte order mark', async () => {
    const file = join(temporaryFolder(), 'p.txt');
    writeFileSync(file, '\uFEFFzwölf\r\n\n');
    expect(await read({ promptFile: file })).toBe('zwölf\r\n');
    expect(await read({}, Readable.from([Buffer.from('zw\u00c3'.slice(0, 2)), Buffer.from('ei\n')]))).toBe('zwei');
    expect(await read({ promptFile: '-' }, Readable.from([Buffer.from('x')]))).toBe('x');
  });

  it('joins characters that were cut between two pieces', async () => {
    const bytes = Buffer.from('日本');
    expect(await read({}, Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]))).toBe('日本');
  });

  it('does not wait at a terminal', async () => {
    const terminal = Object.assign(new Readable({ read() {} }), { isTTY: true });
    await expect(read({}, terminal)).rejects.toMatchObject({ code: 'USAGE', message: 'expected a prompt, found none' });
  });

  it('refuses two prompts, none, and one of spaces', async () => {
    await expect(read({ prompt: 'a', promptFile: 'b' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(read({})).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: /from stdin, found no text/ });
    await expect(read({ prompt: ' \n' })).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  });

  it('refuses other encodings', async () => {
    const file = join(temporaryFolder(), 'latin1.txt');
    writeFileSync(file, Buffer.from('zwölf', 'latin1'));
    await expect(read({ promptFile: file })).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: `${file}: expected text in UTF-8, found other bytes`,
      hint: expect.stringContaining('iconv'),
    });
  });

  it('stops an endless pipe at the limit', async () => {
    const block = Buffer.alloc(2 ** 20, 'a');
    const endless = new Readable({
      read() {
        this.push(block);
      },
    });
    await expect(read({}, endless)).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: /at most 64 MiB/ });
    expect(endless.destroyed).toBe(true);
    expect(MAX_PROMPT_BYTES).toBe(64 * 2 ** 20);
  });

  it('says why a file cannot be read', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    await expect(read({ promptFile: join(folder, 'none') })).rejects.toMatchObject({
      code: 'READ_FAILED',
      message: `expected a file at ${join(folder, 'none')}, found none`,
    });
    await expect(read({ promptFile: join(folder, 'sub') })).rejects.toMatchObject({
      message: /expected a file at .*sub, found a folder/,
    });
  });

  it('stops with the signal', async () => {
    const controller = new AbortController();
    const waiting = readPrompt({}, { stdin: new Readable({ read() {} }), signal: controller.signal });
    controller.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
  });
});
