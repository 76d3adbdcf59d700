import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertWritable, writeFileAtomic } from '../../src/utils/atomic-write.js';
import { temporaryFolder } from './temporary-folder.js';

const isRoot = process.getuid?.() === 0;

describe('writeFileAtomic', () => {
  it('writes text and bytes and leaves nothing else', async () => {
    const folder = temporaryFolder();
    await writeFileAtomic(join(folder, 'a.txt'), 'één\n');
    await writeFileAtomic(join(folder, 'b.bin'), new Uint8Array([0, 255]));
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('één\n');
    expect([...readFileSync(join(folder, 'b.bin'))]).toEqual([0, 255]);
    expect(readdirSync(folder).sort()).toEqual(['a.txt', 'b.bin']);
  });

  it('replaces a file, keeps its permissions and follows links', async () => {
    const folder = temporaryFolder();
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    chmodSync(file, 0o640);
    symlinkSync('file', link);
    await writeFileAtomic(link, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it('writes into devices instead of renaming over them', async () => {
    await writeFileAtomic('/dev/null', 'gone');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it.each(['writeFileAtomic', 'assertWritable'] as const)('%s says why a path cannot be written', async (name) => {
    const folder = temporaryFolder();
    const write = (path: string) => (name === 'assertWritable' ? assertWritable(path) : writeFileAtomic(path, 'x'));
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'file'), 'kept');

    const missing = join(folder, 'none', 'x.json');
    await expect(write(missing)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: `cannot write ${missing}: its folder does not exist (ENOENT)`,
      hint: `create the folder first: mkdir -p ${join(folder, 'none')}`,
    });
    await expect(write(join(folder, 'sub'))).rejects.toMatchObject({ code: 'WRITE_FAILED', message: /it is a folder/ });
    await expect(write(join(folder, 'file', 'x'))).rejects.toMatchObject({ message: /ENOTDIR/, hint: /not a folder/ });
    await expect(write(join(folder, 'n'.repeat(300)))).rejects.toMatchObject({ message: /ENAMETOOLONG/ });
    expect(readdirSync(folder).sort()).toEqual(['file', 'sub']);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('kept');
  });

  it('says that the disk is full', async () => {
    await expect(writeFileAtomic('/dev/full', 'x')).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: 'cannot write /dev/full: no space left on the disk (ENOSPC)',
      hint: /free some space/,
    });
  });

  it('says that permission is denied', async ({ skip }) => {
    if (isRoot) skip('root may write everywhere');
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    await expect(writeFileAtomic(join(folder, 'x'), '')).rejects.toMatchObject({
      message: /permission denied \(EACCES\)/,
    });
    chmodSync(folder, 0o700);
  });
});

it('assertWritable leaves the file and the folder as they were', async () => {
  const folder = temporaryFolder();
  await assertWritable(join(folder, 'new'));
  expect(existsSync(join(folder, 'new'))).toBe(false);
  writeFileSync(join(folder, 'old'), 'kept');
  await assertWritable(join(folder, 'old'));
  expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('kept');
  expect(readdirSync(folder)).toEqual(['old']);
});
