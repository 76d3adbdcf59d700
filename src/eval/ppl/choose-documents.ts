import { MinferenceError } from '../../errors.js';
import type { TextTokenizer } from '../../model/tokenizer.js';
import { formatCount } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { TextSource } from './open-texts.js';
import type { PplResults } from './results.js';

/** A document in the model's tokens. */
export interface TokenizedDocument {
  name: string;
  sha256: string;
  /** Of all of it. */
  tokens: number;
  /** Its first tokens, as many as the longest length. */
  ids: Int32Array;
}

export interface ChosenDocuments {
  documents: TokenizedDocument[];
  skipped: PplResults['data']['skipped'];
  /** What the tokenizer puts before a text (BOS); part of the ids. */
  prefix: readonly number[];
}

/**
 * The first `count` documents that have the longest length. All lengths are measured on the same documents: of others, the
 * curve over the lengths would compare one text with another.
 *
 * @throws {MinferenceError} DATASET_INVALID when there is none; as TextSource.documents
 */
export async function chooseDocuments(
  source: TextSource,
  { tokenizer, longest, count }: { tokenizer: TextTokenizer; longest: number; count: number },
): Promise<ChosenDocuments> {
  const prefix = prefixOf(tokenizer);
  const documents: TokenizedDocument[] = [];
  const skipped: ChosenDocuments['skipped'] = [];
  const seen = new Set<string>();
  for await (const { name, text, sha256 } of source.documents()) {
    const ids = [...prefix, ...tokenizer.encode(text, { addSpecialTokens: false })];
    const tokens = ids.length;
    if (seen.has(sha256)) skipped.push({ name, tokens, reason: 'the same text as another document' });
    else if (tokens < longest) {
      skipped.push({ name, tokens, reason: `shorter than the longest length of ${longest} tokens` });
    } else documents.push({ name, sha256, tokens, ids: Int32Array.from(ids.slice(0, longest)) });
    seen.add(sha256);
    if (documents.length === count) break;
  }
  if (documents.length === 0) throw tooShort(source.name, longest, skipped);
  return { documents, skipped, prefix };
}

/** The special tokens before a text. */
function prefixOf(tokenizer: TextTokenizer): number[] {
  const [first] = tokenizer.encode('a', { addSpecialTokens: false });
  const whole = tokenizer.encode('a');
  return whole.slice(0, Math.max(0, whole.indexOf(first!)));
}

function tooShort(name: string, longest: number, skipped: ChosenDocuments['skipped']): MinferenceError {
  const [most] = [...skipped].sort((a, b) => b.tokens - a.tokens);
  const found = most ? `the longest with ${formatCount(most.tokens)} (${most.name})` : 'no text';
  return new MinferenceError(
    'DATASET_INVALID',
    `expected documents of at least ${formatCount(longest)} tokens in ${name}, found ${found}`,
    { hint: `give longer texts, or --lengths below ${formatTokenCount(longest)}` },
  );
}
