import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const kernels = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = dirname(kernels);
/** Where the finished build lies, and nothing else. */
export const target = join(kernels, 'build');
/** For what is under way or kept to build faster. */
export const temporary = join(kernels, '.tmp');

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
