import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelDirectory } from '../src/model/model-directory.js';
import { hashJson } from '../src/utils/hash.js';

/**
 * Hash of everything that scores depend on: a resumed search must measure the same things. The fingerprint leaves the
 * weights out, so names, sizes and times of the files beside the graph stand in for them.
 */
export async function searchKey(directory: ModelDirectory, facts: Record<string, unknown>): Promise<string> {
  const folder = dirname(directory.modelPath);
  const names = (await readdir(folder)).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name)).catch(() => ({ size: 0, mtimeMs: 0 }));
      return { name, size, mtimeMs };
    }),
  );
  return hashJson({ ...facts, modelPath: directory.modelPath, files });
}
