import type { Random } from '../utils/prng.js';
import type { PromptSources } from './prompt.js';

/** Kinds of keys and values that RULER hides. */
export type NeedleKind = 'words' | 'numbers' | 'uuids';

/** RULER's numbers have seven digits. */
const MIN_NUMBER = 1_000_000;
const MAX_NUMBER = 9_999_999;

/** A random key or value: `large-table`, `4827351`, or a UUID. */
export function needleText(kind: NeedleKind, random: Random, { adjectives, nouns }: PromptSources): string {
  switch (kind) {
    case 'words':
      return `${random.pick(adjectives)}-${random.pick(nouns)}`;
    case 'numbers':
      return String(random.int(MIN_NUMBER, MAX_NUMBER));
    case 'uuids':
      return random.uuid();
  }
}

/** Draws until the text is new: neither drawn before nor in the haystack. */
export function newNeedleText(
  kind: NeedleKind,
  random: Random,
  sources: PromptSources,
  taken: Set<string>,
  alsoIn: (text: string) => boolean = () => false,
): string {
  for (;;) {
    const text = needleText(kind, random, sources);
    if (taken.has(text) || alsoIn(text)) continue;
    taken.add(text);
    return text;
  }
}
