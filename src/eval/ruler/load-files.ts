import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { readJsonLines } from '../../datasets/read-json-lines.js';
import { MinferenceError } from '../../errors.js';
import { givenPrompts } from '../../prompts/given-prompts.js';
import type { GivenPrompt } from '../../prompts/prompt.js';
import { hashFile } from '../../utils/hash-file.js';
import type { ProgressReporter } from '../../utils/progress.js';
import type { SuiteData } from '../suite.js';
import type { EvalTask } from '../task.js';

/** A line as RULER's `prepare.py` writes it. Until May 2025, and for a year after it in another way, without the prefix apart. */
const lineSchema = z.object({
  input: z.string().min(1),
  outputs: z.union([z.string(), z.array(z.union([z.string(), z.number()])).min(1)]),
  answer_prefix: z.string().optional(),
});

/**
 * Reads prompts that RULER's own program made: one `.jsonl` file, named by its task or in a folder of that name
 * (`vt.jsonl`, `vt/validation.jsonl`), or a folder of such files.
 *
 * @param tasks those wanted; of a folder, those that are there
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID with the line
 */
export async function loadRulerFiles(
  path: string,
  tasks: readonly EvalTask[],
  { skipBad, progress }: { skipBad: boolean; progress: ProgressReporter },
): Promise<SuiteData> {
  const found = await findFiles(path, tasks);
  const loaded = await Promise.all(
    found.map(async ({ task, file }) => {
      const lines = await readJsonLines(file, {
        schema: lineSchema,
        skipBad,
        onSkip: (problem) => progress.warn(`left out: ${problem}`),
      });
      if (lines.length === 0)
        throw new MinferenceError('DATASET_INVALID', `${file}: expected prompts of ${task.name}, found none`, {
          hint: 'leave the file out, or make it anew',
        });
      return { task, file, prompts: lines.map(toPrompt), sha256: await hashFile(file) };
    }),
  );
  return {
    sources: {
      essays: { words: [], endsSentence: new Uint8Array(), includes: () => false },
      adjectives: [],
      nouns: [],
      verbs: [],
      questions: {},
      given: Object.fromEntries(loaded.map(({ task, prompts }) => [task.name, prompts])),
    },
    files: Object.fromEntries(
      loaded.map(({ task, file, sha256 }) => [
        task.name,
        { name: join(basename(dirname(file)), basename(file)), sha256 },
      ]),
    ),
    tasks: loaded.map(({ task, prompts }) => ({
      ...task,
      generator: givenPrompts(task.name),
      count: prompts.length,
      varies: true,
      asGiven: true,
    })),
  };
}

/** The prefix is the beginning of the answer, wherever the file has it. */
function toPrompt({ input, outputs, answer_prefix: prefix = '' }: z.infer<typeof lineSchema>): GivenPrompt {
  const user = prefix !== '' && input.endsWith(prefix) ? input.slice(0, -prefix.length) : input;
  return { user, answerPrefix: prefix, references: [outputs].flat().map(String) };
}

async function findFiles(path: string, tasks: readonly EvalTask[]): Promise<{ task: EvalTask; file: string }[]> {
  const facts = await stat(path).catch((cause) => {
    throw new MinferenceError('READ_FAILED', `${path}: expected files of RULER, found nothing`, {
      hint: 'give a file such as niah_single_1/validation.jsonl, or the folder that holds them',
      cause,
    });
  });
  const files = facts.isFile() ? [path] : await filesOf(path);
  const found = tasks.flatMap((task) => {
    const file = files.find((file) => [basename(file, '.jsonl'), basename(dirname(file))].includes(task.name));
    return file === undefined ? [] : [{ task, file }];
  });
  if (found.length > 0) return found;
  throw new MinferenceError('DATASET_INVALID', `${path}: expected files named by RULER's tasks, found none`, {
    hint: 'such as niah_single_1.jsonl or niah_single_1/validation.jsonl; --tasks chooses among them',
  });
}

const filesOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name));
