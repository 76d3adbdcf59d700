import { defined } from '../utils/defined.js';
import type { Random } from '../utils/prng.js';
import type { PromptGenerator } from './prompt.js';
import { fill, WORDING } from './wording.js';

const ALPHA = 2;
/** Riemann's ζ(2). */
const ZETA = Math.PI ** 2 / 6;
const WORD_LENGTH = 6;
/** Tokens for every word of the vocabulary. */
const TOKENS_PER_WORD = 50;
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** From here on the second, third and fourth word stand 7, 3 and 1 times: nobody can confuse them. */
const MIN_WORDS = 50;
const ASKED = 3;

/**
 * RULER's frequent words: random words whose counts follow a zeta distribution (rank⁻² / ζ(2)); the first rank is dots,
 * the next three are asked for. A unit is a word of the distribution, of which some are rounded away.
 */
export const frequentWords: PromptGenerator = (_sources, { random, era, length, maxNewTokens }) => {
  const room = era === '2024' ? length : length - maxNewTokens;
  const { template, answerPrefix, dots } = WORDING.frequentWords;
  const vocabulary = [
    dots,
    ...codedWords(Math.max(ASKED + 1, Math.floor(room / TOKENS_PER_WORD)) - 1, random('words')),
  ];
  return {
    minUnits: MIN_WORDS,
    ...defined({ step: era === '2024' ? Math.max(1, Math.floor(length / 32)) : undefined }),
    build(units) {
      const words = vocabulary.flatMap((word, index) =>
        Array<string>(Math.floor((units * (index + 1) ** -ALPHA) / ZETA)).fill(word),
      );
      const context = random('order').shuffle(words).join(' ');
      return { user: fill(template, { context }), answerPrefix, references: vocabulary.slice(1, ASKED + 1) };
    },
  };
};

function codedWords(count: number, random: Random): string[] {
  const words = new Set<string>();
  while (words.size < count) words.add(Array.from({ length: WORD_LENGTH }, () => random.pick(LETTERS)).join(''));
  return [...words];
}
