import { stat } from 'node:fs/promises';
import { MinferenceError } from '../../errors.js';
import { assertWritable, writeFileAtomic } from '../../utils/atomic-write.js';
import { type FileLock, lockOutput } from '../../utils/file-lock.js';
import type { NiahResults } from '../niah/niah-results.js';
import { type AnswerStore, createAnswerStore } from './answers.js';
import { type Journal, openJournal } from './journal.js';
import { readResults } from './read-results.js';
import type { EvalResults } from './results.js';

/** Where results go, claimed for this process. */
export interface Output extends AsyncDisposable {
  /** Answers that are there already, and the journal that takes new ones (undefined: they are kept in memory). */
  openAnswers(options: {
    key: string;
    resume: boolean;
  }): Promise<{ answers: AnswerStore; journal: Journal | undefined }>;
  /** Writes results and plots, each whole or not at all; null when there is nowhere to write plots. */
  write(results: EvalResults, svg: NiahResults['svg']): Promise<NiahResults['plots']>;
}

/**
 * Claims an output before any work is done.
 *
 * @throws {MinferenceError} WRITE_FAILED, LOCKED
 */
export async function openOutput(out: string | undefined): Promise<Output> {
  if (out === undefined) return memoryOutput();
  await assertWritable(out);
  const lock = await lockOutput(out);
  const isFile = await stat(out).then(
    (stats) => stats.isFile(),
    () => true,
  );
  // Beside a device or a pipe there is no place for a journal or for plots.
  return isFile ? fileOutput(out, lock) : { ...memoryOutput(), write: async (results) => writeOnly(out, results) };
}

function memoryOutput(): Output {
  return {
    openAnswers: async () => ({ answers: createAnswerStore(), journal: undefined }),
    write: async () => null,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function writeOnly(out: string, results: EvalResults): Promise<null> {
  await writeFileAtomic(out, formatResults(results));
  return null;
}

function fileOutput(out: string, lock: FileLock): Output {
  const base = out.replace(/\.json$/i, '');
  const plots = { heatMaps: `${base}.heatmap.svg`, curves: `${base}.curves.svg` };
  return {
    async openAnswers({ key, resume }) {
      const answers = createAnswerStore();
      const journal = await openJournal({ out, key, resume });
      for (const record of resume ? await finishedAnswers(out, key) : []) answers.add(record);
      for (const record of journal.records) answers.add(record);
      return { answers, journal };
    },
    async write(results, svg) {
      // The plots first: when the results are there, everything is.
      await writeFileAtomic(plots.heatMaps, svg.heatMaps);
      await writeFileAtomic(plots.curves, svg.curves);
      await writeFileAtomic(out, formatResults(results));
      return plots;
    },
    [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
  };
}

/** Answers of a complete evaluation under the same key, which this one repeats or extends. */
async function finishedAnswers(out: string, key: string) {
  const file = await readResults(out).catch((error) => {
    if (error instanceof MinferenceError) return undefined;
    throw error;
  });
  if (file?.key !== key) return [];
  return file.prompts.flatMap(({ answers, ...prompt }) => answers.map((answer) => ({ prompt, answer })));
}

/** Indented, but with one line per answer, row and cell, so that large files stay readable and small. */
function formatResults({ rows, cells, prompts, ...rest }: EvalResults): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  const lines = (items: readonly unknown[]) => items.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
  const lists = Object.entries({ rows, cells, prompts }).map(([name, items]) => `  "${name}": [\n${lines(items)}\n  ]`);
  return `${head},\n${lists.join(',\n')}\n}\n`;
}
