import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashJson } from '../../utils/hash.js';
import type { Haystack } from '../datasets/load-haystack.js';
import type { Words } from '../datasets/load-words.js';
import type { EvalDecoder } from './eval-decoder.js';
import type { EvalResults } from './results.js';

export interface RunFacts {
  decoder: EvalDecoder;
  tool: string;
  device: EvalResults['device'];
  seed: number;
  chunk: number | null;
  haystack: Haystack;
  words: Words;
}

/**
 * Hash of everything that an answer depends on besides its place in the grid and its method: answers under the same key
 * may be continued and extended. The fingerprint leaves the weights out, so sizes and times of the model's files stand
 * in for them; the machine counts, because times are compared.
 */
export async function runKey(facts: RunFacts): Promise<string> {
  const { decoder, haystack, words, ...rest } = facts;
  const { directory, fingerprint, tokenizer } = decoder;
  return hashJson({
    ...rest,
    fingerprint,
    variant: directory.variant,
    files: await filesOf(dirname(directory.modelPath)),
    tokenizer: await filesOf(directory.folder),
    chat: tokenizer.hasChatTemplate,
    haystack: haystack.sha256,
    words: words.sha256,
  });
}

async function filesOf(folder: string): Promise<{ name: string; size: number; mtimeMs: number }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name)).catch(() => ({ size: 0, mtimeMs: 0 }));
      return { name, size, mtimeMs };
    }),
  );
}
