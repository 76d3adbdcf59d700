import { defined } from '../utils/defined.js';
import type { Random } from '../utils/prng.js';
import { type PromptGenerator, type PromptRequest, type PromptSources, SHORT } from './prompt.js';
import { fill, WORDING } from './wording.js';

/** Words that are asked for. */
const COMMON = 10;
/** Words by which sizes moved until May 2025. */
const STEP = 10;

/** How many different words a list has, and how often the common ones and the others stand in it. */
interface Counts {
  words: number;
  common: number;
  other: number;
}

/** RULER's counts (`synthetic.yaml`, `common_words_extraction.py`); prompts below 4,096 tokens have fewer repetitions. */
const LONG = { example: { words: 40, common: 10, other: 3 }, list: { common: 30, other: 3 } };
const SMALL = { example: { words: 20, common: 3, other: 1 }, list: { common: 6, other: 1 } };

/**
 * RULER's common words: a numbered list in which ten words stand more often than all others, after one solved list. A
 * unit is a different word.
 */
export const commonWords: PromptGenerator = (sources, { random, era, length }) => {
  const { example, list } = length < SHORT ? SMALL : LONG;
  const vocabulary = wordsOf(sources, random('words'), era);
  const solved = solvedList(example, wordsOf(sources, random('example-words'), era), random('example'));
  return {
    minUnits: COMMON + 1,
    ...defined({ maxUnits: era === '2024' ? vocabulary.count : undefined, step: era === '2024' ? STEP : undefined }),
    build(units) {
      const { context, answers } = numberedList({ words: units, ...list }, vocabulary, random('order'));
      const { template, answerPrefix } = WORDING.commonWords;
      return { user: `${solved}\n${fill(template, { context })}`, answerPrefix, references: answers };
    },
  };
};

interface Vocabulary {
  /** Different words of the lists. */
  count: number;
  /** The first `count` words; the first ones are the same however many are taken. */
  take(count: number): string[];
}

/** All words in random order; since May 2025, when they run out, an adjective and a noun make a word. */
function wordsOf({ nouns, adjectives, verbs }: PromptSources, random: Random, era: PromptRequest['era']): Vocabulary {
  const words = random.shuffle([...new Set([...nouns, ...adjectives, ...verbs])].sort());
  const { length: count } = words;
  const taken = new Set(words);
  return {
    count,
    take(wanted) {
      while (era !== '2024' && words.length < wanted) {
        const word = `${random.pick(adjectives)}-${random.pick(nouns)}`;
        if (taken.has(word)) continue;
        taken.add(word);
        words.push(word);
      }
      return words.slice(0, wanted);
    },
  };
}

function numberedList({ words, common, other }: Counts, vocabulary: Vocabulary, random: Random) {
  const taken = vocabulary.take(words);
  const repeated = taken.flatMap((word, index) => Array<string>(index < COMMON ? common : other).fill(word));
  const context = random.shuffle(repeated).map(numbered).join(' ');
  return { context, answers: taken.slice(0, COMMON) };
}

function solvedList(counts: Counts, vocabulary: Vocabulary, random: Random): string {
  const { context, answers } = numberedList(counts, vocabulary, random);
  const { template, answerPrefix } = WORDING.commonWords;
  return `${fill(template, { context })}${answerPrefix} ${answers.map(numbered).join(' ')}`;
}

const numbered = (word: string, index: number) => `${index + 1}. ${word}`;
