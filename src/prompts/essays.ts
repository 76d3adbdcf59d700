/** Running text as words, with the places between sentences. */
export interface Essays {
  words: readonly string[];
  /** 1 where the word ends a sentence. */
  endsSentence: Uint8Array;
  /** True when `text` occurs in them. */
  includes(text: string): boolean;
}

/** Ends of sentences: a full stop, question or exclamation mark, then maybe closing quotes or brackets. */
const END = /[.!?…]["'”’)\]]*$/;
/** A next word that can begin a sentence. */
const START = /^["'“‘([]*[\p{Lu}\p{Lo}\p{N}]/u;
/** Full stops that belong to the word: initials, titles and the commonest abbreviations. */
const ABBREVIATION =
  /^["'“‘([]*(?:\p{L}|(?:Mr|Mrs|Ms|Dr|St|Messrs|Hon|Gen|Gov|Col|Capt|Sen|Rep|Jr|Sr|vs|etc|viz|cf|No|Nos|Art|Sec|Vol|Fig|pp?|ed|e\.g|i\.e|U\.S|[ap]\.m))\.$/iu;

/** Collapses white space and finds the words and sentences of texts, in their order. */
export function createEssays(texts: readonly string[]): Essays {
  const words: string[] = [];
  const ends: number[] = [];
  for (const text of texts) {
    const own = text.split(/\s+/).filter((word) => word !== '');
    for (const [index, word] of own.entries()) {
      const next = own[index + 1];
      words.push(word);
      ends.push(next === undefined || (END.test(word) && !ABBREVIATION.test(word) && START.test(next)) ? 1 : 0);
    }
  }
  const joined = words.join(' ');
  return { words, endsSentence: Uint8Array.from(ends), includes: (text) => joined.includes(text) };
}

/** `count` words from the word `start` on; the texts begin anew at their end. */
export function takeWords({ words }: Essays, start: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => words[(start + index) % words.length]!);
}

/** The first word of the sentence after a place, 0 ≤ `place` < 1. */
export function sentenceStart({ endsSentence }: Essays, place: number): number {
  const from = Math.floor(place * endsSentence.length);
  const end = endsSentence.indexOf(1, from);
  return (end + 1) % endsSentence.length;
}

/** A border farther away than this share of the text says nothing about the depth asked for. */
const MAX_DISTANCE = 0.05;

/**
 * How many of `count` words from `start` on stand before the sentence border that is nearest to `depth`; in text
 * without sentences, the nearest border of words.
 */
export function borderNearest(
  { endsSentence }: Essays,
  { start, count, depth }: { start: number; count: number; depth: number },
): number {
  const target = Math.round(depth * count);
  const isBorder = (words: number) =>
    words === 0 || words === count || endsSentence[(start + words - 1) % endsSentence.length] === 1;
  for (let distance = 0; distance <= count * MAX_DISTANCE; distance++) {
    if (target - distance >= 0 && isBorder(target - distance)) return target - distance;
    if (target + distance <= count && isBorder(target + distance)) return target + distance;
  }
  return target;
}
