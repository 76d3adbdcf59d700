import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MinferenceError } from '../errors.js';

/** Name of the model that comes with this package. */
export const EMBEDDED_MODEL = 'needle-28m';

/** Folder of the embedded model; the package's root is found from both src/ and dist/. */
export function embeddedModelFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'models', EMBEDDED_MODEL);
  }
  throw new MinferenceError('MODEL_NOT_FOUND', `expected this package's package.json above ${start}, found none`, {
    hint: 'Install the package again, or give --model <folder>.',
  });
}
