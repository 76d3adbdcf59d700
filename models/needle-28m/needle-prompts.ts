import { loadHaystack } from '../../src/datasets/load-haystack.js';
import { loadWords } from '../../src/datasets/load-words.js';
import type { TextTokenizer } from '../../src/model/tokenizer.js';
import { buildPrompt } from '../../src/prefill/chat.js';
import { fitUnits } from '../../src/prompts/fit-units.js';
import { kvTask } from '../../src/prompts/kv-task.js';
import { niahGenerator } from '../../src/prompts/niah.js';
import type { PromptGenerator } from '../../src/prompts/prompt.js';
import { createRandom } from '../../src/utils/prng.js';

/** Retrieval tasks in RULER's and InfiniteBench's form, with the most tokens an answer needs. */
export const NEEDLE_TASKS = {
  niah_single_2: { make: niahGenerator({ haystack: 'essay', keys: 'words', values: 'numbers' }), answer: 16 },
  niah_multikey_1: {
    make: niahGenerator({ haystack: 'essay', keys: 'words', values: 'numbers', numKeys: 4 }),
    answer: 16,
  },
  niah_multikey_3: { make: niahGenerator({ haystack: 'needle', keys: 'uuids', values: 'uuids' }), answer: 44 },
  kv_retrieval: { make: kvTask, answer: 44 },
} satisfies Record<string, { make: PromptGenerator; answer: number }>;

export type NeedleTask = keyof typeof NEEDLE_TASKS;

/** A prompt as tokens, and what a right answer contains. */
export interface NeedlePrompt {
  task: NeedleTask;
  tokens: number[];
  references: string[];
  maxNewTokens: number;
}

/** Prompts of at most `length` tokens, answer included; depths spread evenly over the samples. */
export async function makeNeedlePrompts(
  tokenizer: TextTokenizer,
  { tasks, length, samples, seed }: { tasks: readonly NeedleTask[]; length: number; samples: number; seed: number },
): Promise<NeedlePrompt[]> {
  const { essays } = await loadHaystack();
  const words = await loadWords();
  const countTokens = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).length;
  return tasks.flatMap((task) =>
    Array.from({ length: samples }, (_, sample) => {
      const { make, answer } = NEEDLE_TASKS[task];
      const depth = samples === 1 ? 0.5 : sample / (samples - 1);
      const random = (label: string) => createRandom(seed, task, length, sample, label);
      const request = { depth, length, maxNewTokens: answer, sample, era: '2025', random, task: random } as const;
      const { minUnits, build } = make({ ...words, essays, questions: {}, countTokens }, request);
      const tokensOf = (units: number) => {
        const { user, answerPrefix } = build(units);
        return buildPrompt(tokenizer, user, { answerPrefix });
      };
      const fitting = fitUnits({ limit: length - answer, minUnits, count: (units) => tokensOf(units).length });
      if (!fitting) throw new RangeError(`${task}: expected room for a prompt in ${length} tokens`);
      const { references } = build(fitting.units);
      return { task, tokens: tokensOf(fitting.units), references, maxNewTokens: answer };
    }),
  );
}
