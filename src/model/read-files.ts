import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hashJson } from '../utils/hash.js';
import type { ModelDirectory } from './model-directory.js';

/** Every file that is read of a model's folder besides the graph and its data. */
const TEXT_FILES = [
  'config.json',
  'genai_config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * Hash that changes when a file changes that the model is read from, and with no other file of its folder: outputs and
 * their locks may lie there too. Names, sizes and times stand in for contents, which may be many gigabytes.
 *
 * @param dataFiles absolute paths of the graph's external data
 */
export async function hashReadFiles(
  { folder, modelPath }: Pick<ModelDirectory, 'folder' | 'modelPath'>,
  dataFiles: readonly string[],
): Promise<string> {
  const paths = [modelPath, ...dataFiles, ...TEXT_FILES.map((name) => join(folder, name))];
  const facts = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: null, mtimeMs: null }));
      return { name: relative(folder, path), size, mtimeMs };
    }),
  );
  return hashJson(facts.sort((a, b) => (a.name < b.name ? -1 : 1)));
}
