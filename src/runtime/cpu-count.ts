import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Physical cores that this process may use: hyper-threads of one core count once, as they share the units that the
 * kernels keep busy. Where Linux does not tell, the number of logical processors.
 */
export function physicalCores(): number {
  const logical = availableParallelism();
  const cores = new Set<string>();
  for (const cpu of allowedCpus()) {
    const siblings = readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    if (siblings === undefined) return logical;
    cores.add(siblings);
  }
  return Math.max(1, Math.min(logical, cores.size || logical));
}

/** Processors of this process's affinity mask. */
function allowedCpus(): number[] {
  const list = readText('/proc/self/status')?.match(/^Cpus_allowed_list:\s*(\S+)$/m)?.[1];
  return list === undefined ? [] : parseCpuList(list);
}

/** Linux's list format: "0-3,8" is [0, 1, 2, 3, 8]. */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
