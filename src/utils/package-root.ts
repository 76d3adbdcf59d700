import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let cached: string | undefined;

/** The folder of this package: the same whether the TypeScript sources or the build in dist/ run. */
export function packageRoot(): string {
  if (cached !== undefined) return cached;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'minference') {
      cached = folder;
      return folder;
    }
    if (dirname(folder) === folder) throw new Error(`no package.json of minference above ${import.meta.url}`);
  }
}
