import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines } from '../../datasets/read-json-lines.js';
import { MinferenceError } from '../../errors.js';
import type { BenchmarkItem } from '../../prompts/prompt.js';

const LETTERS = ['A', 'B', 'C', 'D'];

const scalar = z.union([z.string(), z.number()]);
const itemSchema = z.object({
  context: z.string(),
  input: z.string(),
  answer: z.union([scalar, z.array(z.union([scalar, z.array(scalar)])).min(1)]),
  options: z.array(z.string()).optional(),
});
type RawItem = z.infer<typeof itemSchema>;

const texts = ({ answer }: RawItem): string[] => [answer].flat(2).map(String);

/** The four options, and the right one's text and letter. */
function withOptions(item: RawItem): Omit<BenchmarkItem, 'context'> {
  const { options = [], input } = item;
  const [right] = texts(item);
  const letter = LETTERS[options.indexOf(right!)];
  if (options.length !== LETTERS.length || letter === undefined) {
    throw new MinferenceError('DATASET_INVALID', `expected four options and the right one among them, found ${right}`);
  }
  const [a, b, c, d] = options as [string, string, string, string];
  return { slots: { question: input, a, b, c, d }, references: [right!, letter] };
}

/** The call that is asked about, as `func_7(3)`. */
function withCall(item: RawItem): Omit<BenchmarkItem, 'context'> {
  const [call, name] = /(func_\d+)\(-?\d+\)/.exec(item.input) ?? [];
  if (!call) throw new MinferenceError('DATASET_INVALID', `expected a call such as func_7(3), found ${item.input}`);
  return { slots: { function: name!, call }, references: texts(item) };
}

const asked = (item: RawItem) => ({ slots: { question: item.input }, references: texts(item) });

/** What an item of a task asks, and what is right. */
const READERS: Record<string, (item: RawItem) => Omit<BenchmarkItem, 'context'>> = {
  longbook_sum_eng: asked,
  longbook_qa_eng: asked,
  longbook_qa_chn: asked,
  longdialogue_qa_eng: asked,
  math_calc: asked,
  longbook_choice_eng: withOptions,
  code_debug: withOptions,
  code_run: withCall,
};

/**
 * Reads items of InfiniteBench from a user's copy: `<folder>/<task>.jsonl`, as the benchmark ships them.
 *
 * @throws {MinferenceError} READ_FAILED when a file is not there; DATASET_INVALID with the line
 */
export async function loadItems(
  folder: string,
  tasks: readonly string[],
  options: { samples: number; skipBad?: boolean; onSkip?: (problem: string) => void },
): Promise<Record<string, BenchmarkItem[]>> {
  const { samples, ...rest } = options;
  const entries = tasks.map(async (task) => {
    const path = join(folder, `${task}.jsonl`);
    if (!existsSync(path)) {
      throw new MinferenceError('READ_FAILED', `${path}: expected the items of ${task}, found no such file`, {
        hint: 'give the folder of your copy of InfiniteBench with --data, or leave the task out of --tasks',
      });
    }
    const schema = itemSchema.transform((item, context): BenchmarkItem => {
      try {
        return { context: item.context, ...READERS[task]!(item) };
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    });
    return [task, await readJsonLines(path, { schema, limit: samples, ...rest })] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
