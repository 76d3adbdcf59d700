import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { target, temporary } from './paths.mjs';

/** An empty folder beside the target, on the same file system. */
export const freshFolder = () => mkdtempSync(join(temporary, 'finished-'));

/** Puts a finished folder in the place of the old build: whoever looks sees the old one, or the new one. */
export function swapIn(fresh) {
  const old = freshFolder();
  try {
    if (existsSync(target)) renameSync(target, join(old, 'build'));
    renameSync(fresh, target);
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}
