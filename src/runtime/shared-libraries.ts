import { spawnSync } from 'node:child_process';
import { childEnv } from '../utils/env.js';

/** glibc's loader on x86-64, the only platform there are natives for. */
const LOADER = '/lib64/ld-linux-x86-64.so.2';

const known = new Map<string, string[]>();

/**
 * Libraries that the loader would look for in vain if it loaded `path`, whoever asks for them. Nothing of them is run.
 * Empty where there is no such loader to ask.
 */
export function missingLibraries(path: string): string[] {
  const found = known.get(path);
  if (found) return found;
  // As ldd does it: the variable keeps the loader from starting anything.
  const env = childEnv({ LD_TRACE_LOADED_OBJECTS: '1', LC_ALL: 'C' });
  const { stdout } = spawnSync(LOADER, [path], { encoding: 'utf8', env });
  const missing = [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name!);
  known.set(path, [...new Set(missing)].sort());
  return known.get(path)!;
}
