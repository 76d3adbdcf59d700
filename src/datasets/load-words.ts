import { hashJson } from '../utils/hash.js';
import { readDataset } from './read-dataset.js';

/** Words for needle keys and for lists of words. */
export interface Words {
  adjectives: string[];
  nouns: string[];
  verbs: string[];
  /** Of the lists. */
  sha256: string;
}

/** @throws {MinferenceError} READ_FAILED, DATASET_INVALID */
export async function loadWords(): Promise<Words> {
  const [adjectives, nouns, verbs] = await Promise.all(
    ['adjectives.txt', 'nouns.txt', 'verbs.txt'].map((file) => readDataset('words', file)),
  );
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  return {
    adjectives: lines(adjectives!.text),
    nouns: lines(nouns!.text),
    verbs: lines(verbs!.text),
    sha256: hashJson([adjectives!.sha256, nouns!.sha256, verbs!.sha256]),
  };
}
