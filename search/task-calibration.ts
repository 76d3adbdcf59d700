import { loadHaystack } from '../src/datasets/load-haystack.js';
import { loadQuestions } from '../src/datasets/load-questions.js';
import { loadWords } from '../src/datasets/load-words.js';
import { MinferenceError } from '../src/errors.js';
import type { TextTokenizer } from '../src/model/tokenizer.js';
import { buildPrompt } from '../src/prefill/chat.js';
import { commonWords } from '../src/prompts/common-words.js';
import { documentQuestions } from '../src/prompts/document-questions.js';
import { niahGenerator } from '../src/prompts/niah.js';
import type { PromptGenerator, PromptSources } from '../src/prompts/prompt.js';
import { variableTracking } from '../src/prompts/variable-tracking.js';
import { createRandom } from '../src/utils/prng.js';
import { fitPrompt } from './fit-prompt.js';

/** Tasks in RULER's formats: several needles in running text, chains of assignments, frequent words, questions. */
const GENERATORS = {
  needle: niahGenerator({ haystack: 'essay', keys: 'words', values: 'numbers', numValues: 4 }),
  vt: variableTracking,
  words: commonWords,
  qa: documentQuestions('qa_1'),
} as const satisfies Record<string, PromptGenerator>;

export type TaskSet = keyof typeof GENERATORS;
export const TASK_SETS = Object.keys(GENERATORS) as TaskSet[];

/** Where the surplus of a prompt is cut out: behind instructions and worked examples, before the question. */
const CUT_AT = 0.7;

/**
 * Makes prompts of a task, each of exactly `length` tokens and, like those that are evaluated, with the beginning of the
 * answer. Drawn apart from the prompts of every evaluation.
 *
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID; the prompts' function USAGE when the length is too short
 */
export async function taskGenerator(
  name: TaskSet,
  { tokenizer, length, seed }: { tokenizer: TextTokenizer; length: number; seed: number },
): Promise<(index: number) => number[]> {
  const [haystack, words, questions] = await Promise.all([loadHaystack(), loadWords(), loadQuestions('qa_1')]);
  const sources: PromptSources = {
    ...words,
    essays: haystack.essays,
    questions: { qa_1: questions.set },
    countTokens: (text) => tokenizer.encode(text, { addSpecialTokens: false }).length,
  };
  return (index) => {
    const {
      minUnits,
      maxUnits = length,
      build,
    } = GENERATORS[name](sources, {
      depth: null,
      length,
      maxNewTokens: 0,
      // The last questions of the set: an evaluation asks the first ones.
      sample: questions.set.questions.length - 1 - index,
      era: '2025',
      random: (label) => createRandom(seed, 'calibration', name, index, label),
      task: (label) => createRandom(seed, 'calibration', name, label),
    });
    const tokenize = (units: number) => {
      const { user, answerPrefix } = build(Math.max(units, minUnits));
      return buildPrompt(tokenizer, user, { answerPrefix });
    };
    const least = tokenize(minUnits).length;
    if (least > length) {
      throw new MinferenceError('USAGE', `expected at least ${least} tokens for ${name}, found ${length}`, {
        hint: 'give a longer --length, or leave the set out of --calibration',
      });
    }
    const firstGuess = Math.max(minUnits, Math.round(length / 16));
    return fitPrompt({ length, tokenize, firstGuess, maxUnits: Math.max(maxUnits, minUnits), cutAt: CUT_AT, name });
  };
}
