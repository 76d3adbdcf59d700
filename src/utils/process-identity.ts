import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Enough to tell whether a process that wrote a lock still runs, even when its pid was given to another one since. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat), null where /proc is not mounted. */
  startTicks: number | null;
  /** Identifier of the boot the ticks count from; containers of one machine share it. */
  bootId: string | null;
  /** Where the pid counts: containers of one machine have their own. Null where /proc is not mounted. */
  pidNamespace: string | null;
}

function readPidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
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
  return {
    pid: process.pid,
    host: hostname(),
    startTicks: readStartTicks(process.pid),
    bootId: readBootId(),
    pidNamespace: readPidNamespace(),
  };
}

/**
 * 'unknown' when the process would run where this one cannot see it: on another machine or in another container, which may
 * well have this one's hostname, or before the machine was started anew.
 */
export function processState(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  if (identity.host !== hostname()) return 'unknown';
  if (differ(identity.bootId, readBootId()) || differ(identity.pidNamespace, readPidNamespace())) return 'unknown';
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
  }
  return differ(identity.startTicks, readStartTicks(identity.pid)) ? 'dead' : 'alive';
}

const differ = <T>(theirs: T | null, ours: T | null) => theirs !== null && ours !== null && theirs !== ours;
