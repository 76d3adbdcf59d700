import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadHaystack } from '../../src/datasets/load-haystack.js';
import { loadWords } from '../../src/datasets/load-words.js';
import { datasetsFolder, readDataset, readManifest } from '../../src/datasets/read-dataset.js';
import { sha256 } from '../../src/utils/hash.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

const invalid = (part: string) =>
  expect.objectContaining({ code: 'DATASET_INVALID', message: expect.stringContaining(part) });

describe('shipped data sets', () => {
  const folders = readdirSync(datasetsFolder(), { withFileTypes: true }).filter((entry) => entry.isDirectory());

  it.each(folders.map(({ name }) => name))('%s agrees with its manifest, file by file', async (name) => {
    const folder = join(datasetsFolder(), name);
    const manifest = await readManifest(folder);
    expect(manifest.name).toBe(name);
    for (const file of manifest.files) {
      const { text } = await readDataset(name, file.path);
      if (file.records !== undefined) expect(text.split('\n').length - 1).toBe(file.records);
    }
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const file of manifest.files) expect(readme).toContain(file.sha256);
  });

  it('are small', () => {
    const sizes = folders.flatMap(({ name }) => {
      const folder = join(datasetsFolder(), name);
      return readdirSync(folder).map((file) => readFileSync(join(folder, file)).length);
    });
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3 * 2 ** 20);
  });

  it('hold words of letters only', async () => {
    const { adjectives, nouns } = await loadWords();
    expect(adjectives.length).toBeGreaterThan(6000);
    expect(nouns.length).toBeGreaterThan(18_000);
    for (const word of [...adjectives, ...nouns]) expect(word).toMatch(/^[a-z]+$/);
  });
});

describe('readDataset', () => {
  const manifest = (file: object) => ({
    schema: 'minference.dataset/1',
    name: 'set',
    description: 'd',
    licence: 'l',
    sources: [{ what: 'w', from: 'f', licence: 'l' }],
    files: [file],
  });

  function write(data: Uint8Array, file: object): string {
    const root = temporaryFolder();
    mkdirSync(join(root, 'set'));
    writeFileSync(join(root, 'set', 'a.txt'), data);
    writeFileSync(join(root, 'set', 'manifest.json'), JSON.stringify(manifest({ path: 'a.txt', ...file })));
    return root;
  }

  const plain = Buffer.from('text');
  const facts = (data: Uint8Array) => ({ bytes: data.length, sha256: sha256(data) });

  it('reads plain and packed files', async () => {
    const packed = gzipSync(plain);
    const root = write(packed, { ...facts(packed), compression: 'gzip', content: facts(plain) });
    expect(await readDataset('set', 'a.txt', root)).toEqual({ text: 'text', sha256: sha256('text') });
    const other = write(plain, { ...facts(plain), compression: 'none' });
    expect(await readDataset('set', 'a.txt', other)).toEqual({ text: 'text', sha256: sha256('text') });
  });

  it.each([
    ['a changed file', Buffer.from('texT'), { ...facts(plain), compression: 'none' }, 'expected SHA-256'],
    ['a cut file', Buffer.from('tex'), { ...facts(plain), compression: 'none' }, 'expected 4 bytes'],
    ['a file that is not packed', plain, { ...facts(plain), compression: 'gzip', content: facts(plain) }, 'gzip data'],
    ['compression without content', plain, { ...facts(plain), compression: 'gzip' }, '`content`'],
    [
      'a path that leaves the folder',
      plain,
      { ...facts(plain), path: '../a.txt', compression: 'none' },
      'without folders',
    ],
  ])('refuses %s', async (_, data, file, part) => {
    await expect(readDataset('set', 'a.txt', write(data, file))).rejects.toThrow(invalid(part));
  });

  it('refuses a file that unpacks to more than it says', async () => {
    const packed = gzipSync(Buffer.alloc(1_000_000));
    const root = write(packed, { ...facts(packed), compression: 'gzip', content: facts(plain) });
    await expect(readDataset('set', 'a.txt', root)).rejects.toThrow(invalid('gzip data of 4 bytes'));
  });

  it('refuses a file that the manifest does not name', async () => {
    const root = write(plain, { ...facts(plain), compression: 'none' });
    await expect(readDataset('set', 'b.txt', root)).rejects.toThrow(invalid('an entry for b.txt'));
  });
});

describe('loadHaystack', () => {
  function file(name: string, data: string | Uint8Array): string {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, data);
    return path;
  }

  it.each([
    ['a.txt', 'One two. Three.'],
    ['a', 'One two. Three.'],
    ['a.json', '{"text": "One two. Three.", "more": 1}'],
    ['a.jsonl', '{"text": "One two."}\n\n{"text": "Three."}\n'],
    ['a.txt.gz', gzipSync('One two. Three.')],
    ['a.JSONL.gz', gzipSync('{"text": "One two."}\n{"text": "Three."}')],
  ])('reads %s', async (name, data) => {
    const haystack = await loadHaystack(file(name, data));
    expect(haystack.name).toBe(name);
    expect(haystack.essays.words).toEqual(['One', 'two.', 'Three.']);
    expect([...haystack.essays.endsSentence]).toEqual([0, 1, 1]);
  });

  it.each([
    ['nothing', 'a.txt', ' \n ', 'expected text, found none'],
    ['bytes that are not UTF-8', 'a.txt', Buffer.from([0xff, 0xfe, 0x41]), 'expected text in UTF-8'],
    ['text without spaces', 'a.txt', '中'.repeat(5000), 'separated by spaces, found one of 5000'],
    ['JSON without text', 'a.json', '{"texts": 1}', 'expected an object with the text'],
    ['broken JSON', 'a.jsonl', '{"text": "a"}\n{"text"', 'line 2'],
    ['data that is not gzip', 'a.txt.gz', 'One two.', 'expected gzip data'],
    ['a file that unpacks to too much', 'a.txt.gz', gzipSync(Buffer.alloc(65 * 2 ** 20)), 'at most 64 MiB'],
  ])('refuses %s', async (_, name, data, part) => {
    await expect(loadHaystack(file(name, data))).rejects.toThrow(invalid(part));
  });

  it('says which file is missing, and that a folder is none', async () => {
    await expect(loadHaystack('/nonexistent/a.txt')).rejects.toThrow(
      expect.objectContaining({ code: 'READ_FAILED', hint: expect.stringContaining('--haystack') }),
    );
    await expect(loadHaystack(temporaryFolder())).rejects.toThrow(invalid('found a folder'));
  });
});
