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
 * may be continued and extended. The machine counts, because times are compared.
 */
export function runKey(facts: RunFacts): string {
  const { decoder, haystack, words, ...rest } = facts;
  const { directory, fingerprint, filesHash, tokenizer } = decoder;
  return hashJson({
    ...rest,
    fingerprint,
    variant: directory.variant,
    files: filesHash,
    chat: tokenizer.hasChatTemplate,
    haystack: haystack.sha256,
    words: words.sha256,
  });
}
