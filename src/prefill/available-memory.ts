import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { cudaMemory } from '../runtime/native.js';
import type { Session } from '../runtime/session.js';

/** Where a session's memory is. */
type Place = Pick<Session, 'device' | 'deviceId'>;

/** Limits above this mean "no limit" (cgroup v1 writes 2^63 rounded down to pages). */
const NO_LIMIT = 2 ** 60;

const read = (path: string) => readFile(path, 'utf8').catch(() => undefined);
const number = (text: string | undefined) => (text === undefined || text.trim() === 'max' ? NaN : Number(text));

/**
 * Bytes that a run on the device can still allocate: a GPU's free memory, or what the machine has.
 *
 * @throws MinferenceError NATIVE_* for `'cuda'` without a native part
 */
export async function availableMemory({ device, deviceId }: Place = { device: 'cpu', deviceId: 0 }): Promise<number> {
  return device === 'cuda' ? cudaMemory(deviceId).freeBytes : hostMemory();
}

/** Bytes of the GPU's memory that are in use, by whomever. */
export function usedDeviceMemory({ deviceId }: Place): number {
  const { totalBytes, freeBytes } = cudaMemory(deviceId);
  return totalBytes - freeBytes;
}

/**
 * Bytes that this process can still allocate before the kernel would have to kill something: MemAvailable, or less
 * where a control group (a container) allows less. File cache counts as free, because it gives way.
 */
async function hostMemory(): Promise<number> {
  const meminfo = await read('/proc/meminfo');
  const kibibytes = number(meminfo?.match(/^MemAvailable:\s+(\d+) kB/m)?.[1]);
  const machine = Number.isNaN(kibibytes) ? freemem() : kibibytes * 1024;
  return Math.max(0, Math.min(machine, await controlGroupRoom()));
}

/** The least room of this process' control groups, or Infinity. */
async function controlGroupRoom(): Promise<number> {
  const membership = (await read('/proc/self/cgroup')) ?? '';
  let room = Infinity;
  for (const line of membership.split('\n')) {
    const [, controllers, path] = line.match(/^\d+:([^:]*):(\/.*)$/) ?? [];
    if (path === undefined) continue;
    if (controllers === '') {
      room = Math.min(room, await roomAbove('/sys/fs/cgroup', path, ['memory.max', 'memory.current']));
    } else if (controllers?.split(',').includes('memory')) {
      const files = ['memory.limit_in_bytes', 'memory.usage_in_bytes'] as const;
      room = Math.min(room, await roomAbove('/sys/fs/cgroup/memory', path, files));
    }
  }
  return room;
}

/** Inside a container the group's own path may not exist below the mount: its limits then are at the mount's root. */
async function roomAbove(mount: string, path: string, [limitFile, usageFile]: readonly [string, string] | string[]) {
  let room = Infinity;
  for (let group = path; ; group = dirname(group)) {
    const folder = join(mount, group);
    const limit = number(await read(join(folder, limitFile!)));
    if (limit < NO_LIMIT) {
      const usage = number(await read(join(folder, usageFile!)));
      const stat = (await read(join(folder, 'memory.stat'))) ?? '';
      const fileCache = ['inactive_file', 'active_file'].reduce(
        (sum, name) => sum + (number(stat.match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1]) || 0),
        0,
      );
      if (!Number.isNaN(usage)) room = Math.min(room, limit - usage + fileCache);
    }
    if (group === '/' || group === '.') return room;
  }
}
