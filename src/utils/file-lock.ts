import { readFileSync, unlinkSync } from 'node:fs';
import { open, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MinferenceError } from '../errors.js';
import { onProcessEnd } from './exit-cleanup.js';
import { ownIdentity, type ProcessIdentity, processState } from './process-identity.js';
import { writeFailure } from './write-failure.js';

/** A lock file without readable content is one being written this moment, or, after this long, a dead one. */
const UNREADABLE_GRACE_MS = 2000;
const RETRY_MS = 25;
const MAX_ATTEMPTS = 200;
/** A lock file is a few hundred bytes; more than this is not ours. */
const MAX_LOCK_BYTES = 4096;

interface LockContent extends ProcessIdentity {
  /** ISO time at which the lock was taken. */
  since: string;
}

export interface FileLock extends AsyncDisposable {
  /** The lock file. */
  readonly path: string;
  release(): Promise<void>;
}

const errnoOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;

function parseContent(text: string): LockContent | undefined {
  if (text.length > MAX_LOCK_BYTES) return undefined;
  try {
    const value = JSON.parse(text) as Partial<LockContent> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string') return undefined;
    return { startTicks: null, bootId: null, since: 'an unknown time', ...value } as LockContent;
  } catch {
    return undefined;
  }
}

/** True when this call created `path`; false when it exists. */
async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(content);
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

type Holder = { state: 'free' | 'stale' | 'writing' } | { state: 'held'; by: LockContent; certain: boolean };

async function readHolder(path: string): Promise<Holder> {
  try {
    const { mtimeMs } = await stat(path);
    const content = parseContent(await readFile(path, 'utf8'));
    if (!content) return { state: Date.now() - mtimeMs < UNREADABLE_GRACE_MS ? 'writing' : 'stale' };
    const state = processState(content);
    return state === 'dead' ? { state: 'stale' } : { state: 'held', by: content, certain: state === 'alive' };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { state: 'free' };
    throw error;
  }
}

/**
 * Removes a stale lock. A second file guards the removal, so that of two processes that saw the same stale lock none
 * can delete the fresh lock of the other.
 */
async function removeStale(lockPath: string, content: string): Promise<void> {
  const guard = `${lockPath}.takeover`;
  if (!(await createExclusively(guard, content))) {
    const holder = await readHolder(guard);
    if (holder.state === 'stale') await unlink(guard).catch(() => {});
    return;
  }
  try {
    if ((await readHolder(lockPath)).state === 'stale') await unlink(lockPath).catch(() => {});
  } finally {
    await unlink(guard).catch(() => {});
  }
}

function lockedError(path: string, lockPath: string, by: LockContent, certain: boolean): MinferenceError {
  const who = `process ${by.pid} on ${by.host}, since ${by.since}`;
  return new MinferenceError('LOCKED', `another run is writing ${path} (${who})`, {
    hint: certain
      ? 'wait until it has finished, stop it, or write to another path with --out'
      : `if that run is gone (it would be on another machine, which cannot be checked from here), remove ${lockPath}`,
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
 * Claims the output `path` for this process through a lock file beside it (`<path>.lock`: pid, host, start time).
 * Locks of processes that no longer run are taken over. The lock goes when released and when the process ends. A
 * device such as /dev/null needs no lock and gets none.
 *
 * @throws {MinferenceError} LOCKED, saying who holds it; WRITE_FAILED when the lock file cannot be written.
 */
export async function lockOutput(path: string): Promise<FileLock> {
  const lockPath = await lockPathOf(path).catch((error) => {
    throw writeFailure(path, error);
  });
  if (lockPath === null) return { path, release: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const content = JSON.stringify({ ...ownIdentity(), since: new Date().toISOString() } satisfies LockContent);
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await createExclusively(lockPath, content)) return holdLock(lockPath, content);
      const holder = await readHolder(lockPath);
      if (holder.state === 'held') throw lockedError(path, lockPath, holder.by, holder.certain);
      if (holder.state === 'stale') await removeStale(lockPath, content);
      await sleep(RETRY_MS);
    }
  } catch (error) {
    throw writeFailure(lockPath, error);
  }
  throw new MinferenceError('LOCKED', `another run keeps changing the lock file ${lockPath}`, {
    hint: `if no other run writes ${path}, remove ${lockPath} and ${lockPath}.takeover`,
  });
}

function holdLock(lockPath: string, content: string): FileLock {
  const drop = () => unlinkOwn(lockPath, content);
  const forget = onProcessEnd(drop);
  const release = async () => {
    forget();
    try {
      drop();
    } catch {
      // Somebody removed it; it is gone, which is what was wanted.
    }
  };
  return { path: lockPath, release, [Symbol.asyncDispose]: release };
}
