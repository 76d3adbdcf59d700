import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listModelFiles } from '../list-files.js';
import { findVariants, type ModelVariant } from '../variants.js';
import type { HubId } from './hub-id.js';
import { downloadFolder, type HubSettings } from './settings.js';

/**
 * The folder of an earlier download that holds at least one variant, or undefined: this tool's and transformers.js'
 * cache first, then the one of `hf download` and Python's libraries.
 *
 * @param accepts - whether these variants will do
 */
export async function findCachedFolder(
  settings: HubSettings,
  id: HubId,
  accepts: (variants: readonly ModelVariant[]) => boolean,
): Promise<string | undefined> {
  for (const folder of [downloadFolder(settings, id), await pythonSnapshot(settings, id)]) {
    if (folder === undefined) continue;
    const files = await listModelFiles(folder).catch((): string[] => []);
    const tokenizer = files.some((file) => /(^|\/)tokenizer\.json$/.test(file));
    if (tokenizer && accepts(findVariants(files))) return folder;
  }
  return undefined;
}

/** `models--org--name/snapshots/<commit>`, through `refs/<revision>` unless the revision is a commit. */
async function pythonSnapshot(settings: HubSettings, id: HubId): Promise<string | undefined> {
  const root = join(settings.pythonCacheFolder, `models--${id.repo.replaceAll('/', '--')}`);
  if (/^[0-9a-f]{40}$/.test(id.revision)) return join(root, 'snapshots', id.revision);
  const commit = await readFile(join(root, 'refs', id.revision), 'utf8').catch(() => '');
  return /^[0-9a-f]{40}$/.test(commit.trim()) ? join(root, 'snapshots', commit.trim()) : undefined;
}
