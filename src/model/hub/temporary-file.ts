import { randomBytes } from 'node:crypto';
import { createReadStream, unlinkSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { MinferenceError } from '../../errors.js';
import { onProcessEnd } from '../../utils/exit-cleanup.js';
import { type FileLock, lockOutput } from '../../utils/file-lock.js';
import type { HubFile } from './list-repo.js';

/** Where a download goes until it is whole. Removed when disposed of, unless it is kept. */
export interface TemporaryFile extends AsyncDisposable {
  readonly path: string;
  /** What an interrupted download of the same content left in it. */
  readonly bytes: number;
  read(): AsyncIterable<Uint8Array>;
  append(piece: Uint8Array): Promise<void>;
  clear(): Promise<void>;
  sync(): Promise<void>;
  /** What is there is good: the next download goes on from it. */
  keep(): void;
  /** It has its real name now. */
  done(): void;
}

/**
 * Opens the temporary file of a download. Where the Hub gives the content's hash, its name says which content it is, so that
 * another run can go on with it; it belongs to one process at a time, and others take a file of their own.
 */
export async function openTemporary(path: string, file: HubFile): Promise<TemporaryFile> {
  const partial = file.hash && `${path}.${file.hash.hex.slice(0, 12)}.partial`;
  const lock = partial === undefined ? undefined : await claim(partial);
  const own = lock ? partial! : `${path}.tmp.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(own, 'a+');
  const { size } = await handle.stat();
  const bytes = size < file.size ? size : 0;
  if (bytes !== size) await handle.truncate(0);
  // Killed in the middle, a partial file stays: that is what it is for.
  const forget = lock ? () => {} : onProcessEnd(() => unlinkSync(own));
  let remove = true;
  return {
    path: own,
    bytes,
    read: () => createReadStream(own, { end: bytes - 1 }),
    append: async (piece) => void (await handle.appendFile(piece)),
    clear: () => handle.truncate(0),
    sync: () => handle.sync(),
    keep: () => {
      remove = lock === undefined;
    },
    done: () => {
      remove = false;
    },
    async [Symbol.asyncDispose]() {
      await handle.close();
      if (remove) await unlink(own).catch(() => {});
      forget();
      await lock?.release();
    },
  };
}

/** Undefined where another process downloads the same file. */
async function claim(path: string): Promise<FileLock | undefined> {
  return lockOutput(path).catch((error) => {
    if (error instanceof MinferenceError && error.code === 'LOCKED') return undefined;
    throw error;
  });
}
