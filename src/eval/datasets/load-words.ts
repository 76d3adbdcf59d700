import { hashJson } from '../../utils/hash.js';
import { readDataset } from './read-dataset.js';

/** Words for needle keys. */
export interface Words {
  adjectives: string[];
  nouns: string[];
  /** Of both lists. */
  sha256: string;
}

/** @throws {MinferenceError} READ_FAILED, DATASET_INVALID */
export async function loadWords(): Promise<Words> {
  const [adjectives, nouns] = await Promise.all(
    ['adjectives.txt', 'nouns.txt'].map((file) => readDataset('words', file)),
  );
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  return {
    adjectives: lines(adjectives!.text),
    nouns: lines(nouns!.text),
    sha256: hashJson([adjectives!.sha256, nouns!.sha256]),
  };
}
