import { basename } from 'node:path';
import { createEssays, type Essays } from '../prompts/essays.js';
import { readDataset } from './read-dataset.js';
import { invalidText, parseTexts, readTexts } from './read-texts.js';

/** Texts for haystacks, and how to tell them from others. */
export interface Haystack {
  /** Name of the data set, or of the user's file without its folder. */
  name: string;
  /** Of the text as it was read, unpacked. */
  sha256: string;
  essays: Essays;
}

/** Words that are longer are no words: the text has no spaces. */
const MAX_WORD = 1000;

/**
 * Loads the running text in which needles are hidden.
 *
 * @param path the user's own, see readTexts; default: the texts in datasets/haystack
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function loadHaystack(path?: string): Promise<Haystack> {
  if (path === undefined) {
    const { text, sha256 } = await readDataset('haystack', 'essays.jsonl.gz');
    const texts = parseTexts(text, '.jsonl', 'haystack');
    return { name: 'haystack', sha256, essays: createEssays(texts.map((entry) => entry.text)) };
  }
  const { texts, sha256 } = await readTexts(path, 'check the path after --haystack');
  const essays = createEssays(texts.map(({ text }) => text));
  checkWords(essays, path);
  return { name: basename(path), sha256, essays };
}

function checkWords({ words }: Essays, name: string): void {
  if (words.length === 0) throw invalidText(name, 'expected text, found none');
  const longest = words.reduce((length, word) => Math.max(length, word.length), 0);
  if (longest > MAX_WORD) {
    throw invalidText(name, `expected words separated by spaces, found one of ${longest} characters`);
  }
}
