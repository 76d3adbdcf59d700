import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const kernels = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = dirname(kernels);
const out = process.argv.indexOf('--out');
/** Where the finished build lies, and nothing else. */
export const target = out === -1 ? join(kernels, 'build') : resolve(process.argv[out + 1]);
/** For what is under way or kept to build faster. */
export const temporary = join(kernels, '.tmp');

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
