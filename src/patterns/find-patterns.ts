import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../utils/package-root.js';
import type { ModelAtHand } from './check-model.js';
import { loadPatterns } from './load-patterns.js';
import type { PatternFile } from './pattern-file.js';

/** Pattern files that come with this package. */
const configsFolder = (): string => join(packageRoot(), 'configs');

/**
 * The pattern file in `folder` that was made for exactly this model (same fingerprint, same shapes), or undefined.
 * Files that cannot be read or are for other models are passed over; of several, the first by name wins.
 */
export async function findPatterns(
  model: ModelAtHand,
  folder = configsFolder(),
): Promise<{ path: string; file: PatternFile } | undefined> {
  if (model.fingerprint === undefined) return undefined;
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.endsWith('.json') && name !== 'schema.json').sort()) {
    const path = join(folder, name);
    const file = await loadPatterns(path, model).catch(() => undefined);
    if (file?.model.fingerprint === model.fingerprint) return { path, file };
  }
  return undefined;
}
