import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessIdentity, processState } from './process-identity.js';

/** A lock file without readable content is one being written this moment, or, after this long, a dead one. */
const UNREADABLE_GRACE_MS = 2000;
/** A lock file is a few hundred bytes; more than this is not ours. */
const MAX_LOCK_BYTES = 4096;

/** Milliseconds by which holders show that they live, for those who cannot see their process. */
export interface LockPace {
  /** A holder sets its lock file's time anew this often. */
  renew: number;
  /** A lock renewed within this time is held. */
  fresh: number;
  /** An older one is watched for this long: clocks may differ, and a holder may just be waking up. */
  watch: number;
}

export const LOCK_PACE: LockPace = { renew: 5000, fresh: 60_000, watch: 12_000 };

export interface LockContent extends ProcessIdentity {
  /** ISO time at which the lock was taken. */
  since: string;
}

/** Who holds a lock file. `seen` tells one state of the file from another. */
export type Holder =
  | { state: 'free' | 'writing' }
  | { state: 'stale'; seen: string }
  | { state: 'held'; by: LockContent; certain: boolean };

/**
 * Judges a lock file. A holder whose process cannot be seen from here (another container or machine, maybe of the same
 * hostname) lives as long as it renews its lock: neither is it robbed, nor does one that died block for ever.
 */
export async function readHolder(path: string, pace: LockPace): Promise<Holder> {
  const file = await look(path);
  if (file === undefined) return { state: 'free' };
  const { content, age, seen } = file;
  if (!content) return age < UNREADABLE_GRACE_MS ? { state: 'writing' } : { state: 'stale', seen };
  const state = processState(content);
  if (state === 'alive') return { state: 'held', by: content, certain: true };
  if (state === 'dead') return { state: 'stale', seen };
  if (age >= 0 && age < pace.fresh) return { state: 'held', by: content, certain: false };
  await sleep(pace.watch);
  const later = await look(path);
  if (later === undefined) return { state: 'free' };
  if (later.seen === seen) return { state: 'stale', seen };
  return { state: 'held', by: later.content ?? content, certain: false };
}

/** Whether a lock file is still as it was seen. */
export const isUnchanged = async (path: string, seen: string) => (await look(path))?.seen === seen;

async function look(path: string) {
  try {
    const { mtimeMs } = await stat(path);
    const text = await readFile(path, 'utf8');
    return { content: parseContent(text), age: Date.now() - mtimeMs, seen: `${mtimeMs} ${text}` };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseContent(text: string): LockContent | undefined {
  if (text.length > MAX_LOCK_BYTES) return undefined;
  try {
    const value = JSON.parse(text) as Partial<LockContent> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string') return undefined;
    const absent = { startTicks: null, bootId: null, pidNamespace: null, since: 'an unknown time' };
    return { ...absent, ...value } as LockContent;
  } catch {
    return undefined;
  }
}
