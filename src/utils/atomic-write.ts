import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onProcessEnd } from './exit-cleanup.js';
import { writeFailure } from './write-failure.js';

/** How many bytes {@link assertWritable} really writes: one block, enough for a full disk to show. */
const PROBE_BYTES = 4096;

const errnoOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;

interface Target {
  /** The path with symbolic links followed, so that a link stays a link. */
  path: string;
  /** Permission bits of the file that is replaced. */
  mode: number | undefined;
  /** A device or pipe: written in place, never renamed over. */
  special: boolean;
}

async function resolveTarget(path: string): Promise<Target> {
  try {
    const real = await realpath(path);
    const stats = await stat(real);
    if (stats.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    return { path: real, mode: stats.mode & 0o7777, special: !stats.isFile() };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { path, mode: undefined, special: false };
    throw error;
  }
}

const temporaryName = (path: string) =>
  join(dirname(path), `.${basename(path).slice(0, 200)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);

/** Creates a file that disappears when the process ends before `keep()` or `remove()`. */
async function createTemporary(target: Target) {
  const path = temporaryName(target.path);
  const handle: FileHandle = await open(path, 'wx', target.mode ?? 0o666);
  const forget = onProcessEnd(() => unlinkSync(path));
  return {
    path,
    handle,
    keep: forget,
    async remove() {
      forget();
      await handle.close().catch(() => {});
      await unlink(path).catch(() => {});
    },
  };
}

/** Makes the rename itself durable; some file systems cannot sync a folder, which is not the caller's problem. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/**
 * Writes `data` to `path` so that a reader sees the old file or the new one, never a part: temporary file in the same
 * folder, fsync, rename. Nothing is left behind on failure.
 *
 * @throws {MinferenceError} WRITE_FAILED with the path, the reason and what to do.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  try {
    const target = await resolveTarget(path);
    if (target.special) return await writeFile(target.path, data);
    const temporary = await createTemporary(target);
    try {
      if (target.mode !== undefined) await temporary.handle.chmod(target.mode);
      await temporary.handle.writeFile(data);
      await temporary.handle.sync();
      await temporary.handle.close();
      await rename(temporary.path, target.path);
      temporary.keep();
    } catch (error) {
      await temporary.remove();
      throw error;
    }
    await syncFolder(dirname(target.path));
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/**
 * Finds out now, before hours of work, whether `path` could be written: writes one block beside it and removes it.
 *
 * @throws {MinferenceError} WRITE_FAILED, as {@link writeFileAtomic} would.
 */
export async function assertWritable(path: string): Promise<void> {
  try {
    const target = await resolveTarget(path);
    if (target.special) {
      await (await open(target.path, 'w')).close();
      return;
    }
    const temporary = await createTemporary(target);
    try {
      await temporary.handle.writeFile(new Uint8Array(PROBE_BYTES));
      await temporary.handle.sync();
    } finally {
      await temporary.remove();
    }
  } catch (error) {
    throw writeFailure(path, error);
  }
}
