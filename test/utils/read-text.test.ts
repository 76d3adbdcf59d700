import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readTextFile, readTextStream, type TextRules } from '../../src/utils/read-text.js';
import { temporaryFolder } from './temporary-folder.js';

const RULES: TextRules = { code: 'DATASET_INVALID', maxBytes: 1024, hint: 'what to do' };

function file(data: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'a.txt');
  writeFileSync(path, data);
  return path;
}

describe('readTextFile', () => {
  it('reads up to the limit, without a byte order mark', async () => {
    expect(await readTextFile(file('\uFEFFzwölf'), RULES)).toBe('zwölf');
    expect(await readTextFile(file('a'.repeat(1024)), RULES)).toHaveLength(1024);
  });

  it.each([
    ['more than the limit', 'a'.repeat(5000), 'expected at most 1 KiB of text, found 4.88 KiB'],
    ['little more than the limit', 'a'.repeat(1025), 'expected at most 1 KiB of text, found more'],
    ['other bytes', Buffer.from([0xff, 0xfe]), 'expected text in UTF-8, found other bytes'],
  ])('refuses %s', async (_, data, problem) => {
    const path = file(data);
    const error = { code: 'DATASET_INVALID', message: `${path}: ${problem}`, hint: 'what to do' };
    await expect(readTextFile(path, RULES)).rejects.toMatchObject(error);
  });

  it('says what lies there instead of a file, without opening it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    const message = `${folder}/sub: expected a file of JSON, found a folder, pipe or device`;
    const reading = readTextFile(join(folder, 'sub'), { ...RULES, content: 'JSON' });
    await expect(reading).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
    const none = {
      code: 'READ_FAILED',
      message: `expected a file at ${folder}/none, found none`,
      hint: 'check the path',
    };
    await expect(readTextFile(join(folder, 'none'), RULES)).rejects.toMatchObject(none);
    const below = readTextFile(join(file('x'), 'none'), { ...RULES, readHint: 'look again' });
    await expect(below).rejects.toMatchObject({ code: 'READ_FAILED', message: /ENOTDIR/, hint: 'look again' });
  });
});

it('readTextStream joins characters cut between pieces and ends an endless stream', async () => {
  const bytes = Buffer.from('日本');
  expect(await readTextStream(Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]), 'stdin', RULES)).toBe('日本');
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(100, 'a'));
    },
  });
  const message = 'stdin: expected at most 1 KiB of text, found more';
  await expect(readTextStream(endless, 'stdin', RULES)).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
  expect(endless.destroyed).toBe(true);
});
