import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listModelFiles } from '../list-files.js';
import { findVariants, type ModelVariant } from '../variants.js';
import { adoptSnapshot } from './adopt-snapshot.js';
import { filesToDownload } from './files-to-download.js';
import type { HubId } from './hub-id.js';
import { downloadFolder, type HubSettings } from './settings.js';

/**
 * The folder of an earlier download that holds a variant to `pick`, or undefined: this tool's and transformers.js' cache
 * first, then the one of `hf download` and Python's libraries, whose files are brought into ours.
 *
 * @param pick - the variant to use among those found, if any will do
 */
export async function findCachedFolder(
  settings: HubSettings,
  id: HubId,
  pick: (variants: readonly ModelVariant[]) => ModelVariant | undefined,
): Promise<string | undefined> {
  const own = downloadFolder(settings, id);
  if (pick(findVariants(await listComplete(own)))) return own;
  const snapshot = await pythonSnapshot(settings, id);
  if (snapshot === undefined) return undefined;
  const files = await listComplete(snapshot);
  const variant = pick(findVariants(files));
  if (variant === undefined) return undefined;
  const needed = filesToDownload(
    files.map((path) => ({ path, size: 0 })),
    variant,
  );
  return adoptSnapshot(
    snapshot,
    own,
    needed.map(({ path }) => path),
  );
}

/** Files of a folder; none when there is no tokenizer, for then the folder is no whole model. */
async function listComplete(folder: string): Promise<string[]> {
  const files = await listModelFiles(folder).catch((): string[] => []);
  return files.some((file) => /(^|\/)tokenizer\.json$/.test(file)) ? files : [];
}

/** `models--org--name/snapshots/<commit>`, through `refs/<revision>` unless the revision is a commit. */
async function pythonSnapshot(settings: HubSettings, id: HubId): Promise<string | undefined> {
  const root = join(settings.pythonCacheFolder, `models--${id.repo.replaceAll('/', '--')}`);
  if (/^[0-9a-f]{40}$/.test(id.revision)) return join(root, 'snapshots', id.revision);
  const commit = await readFile(join(root, 'refs', id.revision), 'utf8').catch(() => '');
  return /^[0-9a-f]{40}$/.test(commit.trim()) ? join(root, 'snapshots', commit.trim()) : undefined;
}
