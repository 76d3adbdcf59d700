import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MinferenceError } from '../../../src/errors.js';
import { type FileLock, lockOutput } from '../../../src/utils/file-lock.js';
import { packageRoot } from '../../../src/utils/package-root.js';

export const ROOT = packageRoot();
const MAIN = join(ROOT, 'dist/src/cli/main.js');

function newestSource(folder: string): number {
  const times = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  return Math.max(0, ...times);
}

function isFresh(): boolean {
  if (!existsSync(MAIN)) return false;
  return statSync(MAIN).mtimeMs >= Math.max(newestSource(join(ROOT, 'src')), newestSource(join(ROOT, 'search')));
}

/** Two test files may start at once; one builds, the other waits. */
async function lockBuild(): Promise<FileLock> {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  for (;;) {
    try {
      return await lockOutput(join(ROOT, 'dist/build'));
    } catch (error) {
      if ((error as MinferenceError).code !== 'LOCKED') throw error;
      await sleep(200);
    }
  }
}

/** Builds dist/ if a source is newer: the CLI is tested as users run it. Call in `beforeAll`. */
export async function ensureBuilt(): Promise<void> {
  if (isFresh()) return;
  await using _lock = await lockBuild();
  if (isFresh()) return;
  const started = Date.now();
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  // Type errors fail the typecheck, not this; tsc writes JavaScript all the same.
  const result = await promisify(execFile)(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
    cwd: ROOT,
  }).catch((error) => error as { stdout: string });
  const written = existsSync(MAIN) && statSync(MAIN).mtimeMs >= started - 1000;
  if (!written) throw new Error(`the build failed:\n${result.stdout}`);
}
