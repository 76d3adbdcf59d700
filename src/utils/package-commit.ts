import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.js';

/** The git commit of the clone that this package runs from; null when it is an installed package. */
export function packageCommit(): string | null {
  try {
    const folder = gitFolder(join(packageRoot(), '.git'));
    const head = readFileSync(join(folder, 'HEAD'), 'utf8').trim();
    const name = /^ref: (.*)$/.exec(head)?.[1];
    return name === undefined ? head : readReference(folder, name);
  } catch {
    return null;
  }
}

/** Where git keeps a work tree's state: a folder, or the one that a file names. */
function gitFolder(path: string): string {
  try {
    return /^gitdir: (.*)$/m.exec(readFileSync(path, 'utf8'))![1]!;
  } catch {
    return path;
  }
}

function readReference(folder: string, name: string): string | null {
  const common = join(folder, 'commondir');
  const root = existsSync(common) ? join(folder, readFileSync(common, 'utf8').trim()) : folder;
  const path = join(root, name);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const packed = readFileSync(join(root, 'packed-refs'), 'utf8');
  return (
    packed
      .split('\n')
      .find((line) => line.endsWith(` ${name}`))
      ?.split(' ')[0] ?? null
  );
}
