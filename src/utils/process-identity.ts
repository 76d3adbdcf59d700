import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Enough to tell whether a process that wrote a lock still runs, even when its pid was given to another one since. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat), null where /proc is not mounted. */
  startTicks: number | null;
  /** Identifier of the boot the ticks count from. */
  bootId: string | null;
}

function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

function readStartTicks(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces and parentheses itself: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[19]);
    return Number.isFinite(ticks) ? ticks : null;
  } catch {
    return null;
  }
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startTicks: readStartTicks(process.pid), bootId: readBootId() };
}

/** 'unknown' when the process would run on another machine. */
export function processState(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  if (identity.host !== hostname()) return 'unknown';
  const bootId = readBootId();
  if (identity.bootId !== null && bootId !== null && identity.bootId !== bootId) return 'dead';
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
  }
  const startTicks = readStartTicks(identity.pid);
  if (identity.startTicks !== null && startTicks !== null && identity.startTicks !== startTicks) return 'dead';
  return 'alive';
}
