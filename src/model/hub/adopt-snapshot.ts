import { randomBytes } from 'node:crypto';
import { constants, unlinkSync } from 'node:fs';
import { copyFile, link, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onProcessEnd } from '../../utils/exit-cleanup.js';

/**
 * Brings files of a Python tools' snapshot into another folder as real files. A snapshot consists of symbolic links to
 * blobs elsewhere, and ONNX Runtime refuses external data behind links that leave the model's folder. Hard links need no
 * space; where they cannot be (another file system), the files are copied.
 *
 * @param files - relative to both folders
 * @returns the folder to use: `target`, or `snapshot` itself when nothing can be written
 */
export async function adoptSnapshot(snapshot: string, target: string, files: readonly string[]): Promise<string> {
  try {
    for (const file of files) await adopt(await realpath(join(snapshot, file)), join(target, file));
    return target;
  } catch {
    return snapshot;
  }
}

async function adopt(source: string, path: string): Promise<void> {
  const [from, to] = await Promise.all([stat(source), stat(path).catch(() => undefined)]);
  // Another file of the same size may be of another commit.
  if (to?.ino === from.ino && to.dev === from.dev) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp.${process.pid}.${randomBytes(4).toString('hex')}`;
  const forget = onProcessEnd(() => unlinkSync(temporary));
  try {
    await link(source, temporary).catch(() => copyFile(source, temporary, constants.COPYFILE_FICLONE));
    await rename(temporary, path);
  } finally {
    forget();
    // Renaming a hard link onto another link of the same file leaves both names.
    await rm(temporary, { force: true });
  }
}
