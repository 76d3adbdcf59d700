import { readFileSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MinferenceError } from '../errors.js';
import { onProcessEnd } from './exit-cleanup.js';
import { isUnchanged, LOCK_PACE, type LockContent, type LockPace, readHolder } from './lock-holder.js';
import { ownIdentity } from './process-identity.js';
import { writeFailure } from './write-failure.js';

const RETRY_MS = 25;
const MAX_ATTEMPTS = 200;

export interface FileLock extends AsyncDisposable {
  /** The lock file. */
  readonly path: string;
  release(): Promise<void>;
}

const errnoOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;

/** The open file when this call created `path`; undefined when it exists. */
async function createExclusively(path: string, content: string): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'wx');
    await handle.writeFile(content);
    return handle;
  } catch (error) {
    if (handle === undefined && errnoOf(error) === 'EEXIST') return undefined;
    if (handle !== undefined) await unlink(path).catch(() => {});
    await handle?.close();
    throw error;
  }
}

/**
 * Removes a lock seen as stale. A second file guards the removal, so that of two processes that saw the same stale lock
 * none can delete the fresh lock of the other.
 */
async function removeStale(lockPath: string, seen: string, content: string, pace: LockPace): Promise<void> {
  const guardPath = `${lockPath}.takeover`;
  const guard = await createExclusively(guardPath, content);
  if (guard === undefined) {
    const holder = await readHolder(guardPath, pace);
    if (holder.state === 'stale' && (await isUnchanged(guardPath, holder.seen)))
      await unlink(guardPath).catch(() => {});
    return;
  }
  try {
    if (await isUnchanged(lockPath, seen)) await unlink(lockPath).catch(() => {});
  } finally {
    await guard.close();
    await unlink(guardPath).catch(() => {});
  }
}

function lockedError(path: string, lockPath: string, by: LockContent, certain: boolean, pace: LockPace) {
  const who = `process ${by.pid} on ${by.host}, since ${by.since}`;
  const patience = Math.ceil((pace.fresh + pace.watch) / 1000);
  return new MinferenceError('LOCKED', `another run is writing ${path} (${who})`, {
    hint: certain
      ? 'wait until it has finished, stop it, or write to another path with --out'
      : `that run is in another container or on another machine: wait until it has finished, or write to another path ` +
        `with --out. If it is gone, its lock is taken over ${patience} s after its end, or remove ${lockPath}`,
  });
}

/** Where the lock of `path` lies: beside the real file, so that two names of one file share it. Null for devices. */
async function lockPathOf(path: string): Promise<string | null> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isFile() ? `${real}.lock` : null;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return `${join(await realpath(dirname(path)), basename(path))}.lock`;
  }
}

/** Removes the lock file if it is still ours: after a crash and take-over it would be another process's. */
function unlinkOwn(lockPath: string, content: string): void {
  if (readFileSync(lockPath, 'utf8') === content) unlinkSync(lockPath);
}

/**
 * Claims the output `path` for this process through a lock file beside it (`<path>.lock`: pid, host, start time), whose
 * time is set anew while it is held. Locks of processes that no longer run are taken over, also those of other
 * containers and machines once they are not renewed any more. The lock goes when released and when the process ends. A
 * device such as /dev/null needs no lock and gets none.
 *
 * @throws {MinferenceError} LOCKED, saying who holds it; WRITE_FAILED when the lock file cannot be written.
 */
export async function lockOutput(path: string, pace: LockPace = LOCK_PACE): Promise<FileLock> {
  const lockPath = await lockPathOf(path).catch((error) => {
    throw writeFailure(path, error);
  });
  if (lockPath === null) return { path, release: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const content = JSON.stringify({ ...ownIdentity(), since: new Date().toISOString() } satisfies LockContent);
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const file = await createExclusively(lockPath, content);
      if (file !== undefined) return holdLock(lockPath, content, file, pace);
      const holder = await readHolder(lockPath, pace);
      if (holder.state === 'held') throw lockedError(path, lockPath, holder.by, holder.certain, pace);
      if (holder.state === 'stale') await removeStale(lockPath, holder.seen, content, pace);
      await sleep(RETRY_MS);
    }
  } catch (error) {
    throw writeFailure(lockPath, error);
  }
  throw new MinferenceError('LOCKED', `another run keeps changing the lock file ${lockPath}`, {
    hint: `if no other run writes ${path}, remove ${lockPath} and ${lockPath}.takeover`,
  });
}

function holdLock(lockPath: string, content: string, file: FileHandle, pace: LockPace): FileLock {
  const drop = () => unlinkOwn(lockPath, content);
  const forget = onProcessEnd(drop);
  // Through the open file: were the lock removed and made anew by another, that one's would not be renewed.
  const renewal = setInterval(() => {
    const now = new Date();
    file.utimes(now, now).catch(() => {});
  }, pace.renew).unref();
  const release = async () => {
    clearInterval(renewal);
    forget();
    try {
      drop();
    } catch {
      // Somebody removed it; it is gone, which is what was wanted.
    }
    await file.close().catch(() => {});
  };
  return { path: lockPath, release, [Symbol.asyncDispose]: release };
}
