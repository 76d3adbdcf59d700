import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import type { Random } from '../utils/prng.js';
import type { PromptGenerator, QaName, QuestionSet } from './prompt.js';
import { fill, WORDING } from './wording.js';

/** Documents by which sizes moved until May 2025. */
const STEP = 10;

/**
 * RULER's questions about documents: those that hold the answer among others, in random order. Questions are asked in
 * the order of their file; a unit is a document.
 */
export function documentQuestions(name: QaName): PromptGenerator {
  return ({ questions: sets }, { random, era, sample }) => {
    const set = sets[name];
    if (!set) throw new MinferenceError('DATASET_INVALID', `expected the documents of ${name}, found none`);
    const { documents, questions } = set;
    const { question, answers, documents: gold, related } = questions[sample % questions.length]!;
    const others = otherDocuments(set, { gold, related }, random('documents'));
    const ranks = random('order');
    const rankOf: number[] = [];
    const { template, answerPrefix, document } = WORDING.documents;
    return {
      minUnits: gold.length,
      ...defined({ maxUnits: era === '2024' ? documents.length : undefined, step: era === '2024' ? STEP : undefined }),
      build(units) {
        const taken = [...gold, ...others(units - gold.length)];
        while (rankOf.length < taken.length) rankOf.push(ranks.float());
        const ordered = taken
          .map((index, position) => ({ text: documents[index]!, rank: rankOf[position]! }))
          .sort((a, b) => a.rank - b.rank);
        const context = ordered
          .map(({ text }, index) => fill(document, { number: String(index + 1), document: text }))
          .join('\n\n');
        return { user: fill(template, { context, query: question }), answerPrefix, references: [...answers] };
      },
    };
  };
}

/** Documents to put beside the right ones: related ones first, then all others, then all of them again. */
function otherDocuments(
  { documents }: QuestionSet,
  { gold, related }: { gold: readonly number[]; related: readonly number[] },
  random: Random,
): (count: number) => number[] {
  const all = documents.map((_, index) => index);
  const own = new Set([...gold, ...related]);
  const pool = [...random.shuffle(related), ...random.shuffle(all.filter((index) => !own.has(index)))];
  return (count) => {
    while (pool.length < count) pool.push(...random.shuffle(all));
    return pool.slice(0, count);
  };
}
