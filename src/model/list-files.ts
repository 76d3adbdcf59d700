import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MinferenceError } from '../errors.js';
import { MAX_FOLDER_DEPTH, MAX_FOLDER_ENTRIES } from './limits.js';

/**
 * Files of a model folder, as sorted paths relative to it with forward slashes. Hidden folders and node_modules are
 * left out; symbolic links count as what they point to (the Hub's cache consists of links).
 *
 * @throws MinferenceError MODEL_INVALID when the folder holds too much to be a model's; READ_FAILED
 */
export async function listModelFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  let seen = 0;

  const visit = async (relative: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, relative), { withFileTypes: true }).catch((cause) => {
      throw new MinferenceError('READ_FAILED', `${join(folder, relative)}: cannot be listed (${cause.message})`, {
        hint: 'Check the permissions of the model folder.',
        cause,
      });
    });
    for (const entry of entries) {
      if (++seen > MAX_FOLDER_ENTRIES) {
        throw new MinferenceError(
          'MODEL_INVALID',
          `${folder}: expected a model folder, found more than ${MAX_FOLDER_ENTRIES} files`,
          { hint: 'Give the folder of one model.' },
        );
      }
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const kind = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : entry;
      if (kind?.isDirectory() && depth < MAX_FOLDER_DEPTH) await visit(path, depth + 1);
      else if (kind?.isFile()) files.push(path);
    }
  };

  await visit('', 0);
  return files.sort();
}
