import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MinferenceError } from '../../errors.js';
import { renderPngs } from '../../plot/png.js';
import { writeFileAtomic } from '../../utils/atomic-write.js';
import { type FileLock, lockOutput } from '../../utils/file-lock.js';
import { writeFailure } from '../../utils/write-failure.js';
import { type AnswerStore, createAnswerStore } from './answers.js';
import { openPredictions, type PredictionsFile, readPredictions, writePredictions } from './predictions.js';
import type { EvalResults, EvalSetup } from './results.js';
import { predictionsName, type Shard } from './shard.js';

export const RESULTS_NAME = 'results.json';
const PREDICTIONS = /^predictions(?:\.\d+-of-\d+)?\.jsonl$/;

/** The folder that results go to, claimed for this process. */
export interface Output extends AsyncDisposable {
  /** Answers that are there already, and the file that takes new ones (undefined: they are kept in memory). */
  openAnswers(setup: EvalSetup, resume: boolean): Promise<{ answers: AnswerStore; file: PredictionsFile | undefined }>;
  /**
   * Writes results and pictures (SVGs, and PNGs of them), each whole or not at all; their paths, and none when there is nowhere to write.
   *
   * @param answers all predictions, which are put in order
   */
  write(results: EvalResults, pictures: Record<string, string>, answers: AnswerStore): Promise<string[]>;
}

/**
 * Claims an output folder before any work is done, and makes it where it is not there.
 *
 * @param warn told when pictures can be written as SVG only
 * @param shard claims only its own file of predictions: shards may write to one folder at the same time
 * @throws {MinferenceError} USAGE when the folder holds something else; WRITE_FAILED, LOCKED
 */
export async function openOutput(
  folder: string | undefined,
  shard: Shard | undefined,
  warn: (text: string) => void,
): Promise<Output> {
  if (folder === undefined) return memoryOutput();
  await claimFolder(folder);
  const path = join(folder, predictionsName(shard));
  return folderOutput({ folder, path, shard, warn, lock: await lockOutput(path) });
}

/** Files of predictions in a folder: of the whole, or of shards. */
export const predictionFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => PREDICTIONS.test(name)).sort();

/**
 * Makes the folder, or sees that it holds nothing or results.
 *
 * @throws {MinferenceError} USAGE, WRITE_FAILED
 */
export async function claimFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) {
    throw new MinferenceError('USAGE', `--out: expected a folder, found a file at ${folder}`, {
      hint: 'choose another path: results are a folder of several files',
    });
  }
  if (!found) {
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      // Another shard was faster.
      if (error.code !== 'EEXIST') throw writeFailure(folder, error);
    });
    return;
  }
  const names = await readdir(folder);
  // A folder that is in use for something else would be hard to tidy up again.
  if (names.length === 0 || names.includes(RESULTS_NAME) || names.some((name) => name.startsWith('predictions.')))
    return;
  throw new MinferenceError(
    'USAGE',
    `--out: expected an empty folder or one of earlier results, found others’ files in ${folder}`,
    {
      hint: `choose a folder of its own, such as ${join(folder, 'results')}`,
    },
  );
}

function memoryOutput(): Output {
  return {
    openAnswers: async () => ({ answers: createAnswerStore(), file: undefined }),
    write: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
}

function folderOutput({
  folder,
  path,
  lock,
  shard,
  warn,
}: {
  folder: string;
  path: string;
  lock: FileLock;
  shard: Shard | undefined;
  warn: (text: string) => void;
}): Output {
  let setup: EvalSetup | undefined;
  let open: PredictionsFile | undefined;
  return {
    async openAnswers(wanted, resume) {
      setup = wanted;
      open = await openPredictions({ path, setup, resume });
      const answers = createAnswerStore(resume ? await answersOfOthers(folder, path, setup.key) : []);
      for (const record of open.records) answers.add(record);
      return { answers, file: open };
    },
    async write(results, pictures, answers) {
      if (setup) await writePredictions(path, { setup, records: answers.records() });
      // A shard is a part: its results are those of the merge.
      if (shard) return [path];
      const written = [];
      // The pictures first: when the results are there, everything is.
      for (const [name, picture] of Object.entries({ ...pictures, ...(await renderPngs(pictures, warn)) })) {
        await writeFileAtomic(join(folder, name), picture);
        written.push(join(folder, name));
      }
      const { rows, aggregates, cells, failures, ...rest } = results;
      const text = formatResults(rest, { aggregates, rows, cells, failures });
      await writeFileAtomic(join(folder, RESULTS_NAME), text);
      return [join(folder, RESULTS_NAME), path, ...written];
    },
    async [Symbol.asyncDispose]() {
      await open?.[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Answers under the same key in the folder's other files: an evaluation may go on in other shards than it began in. */
async function answersOfOthers(folder: string, own: string, key: string) {
  const names = (await predictionFiles(folder)).filter((name) => join(folder, name) !== own);
  const files = await Promise.all(names.map((name) => readPredictions(join(folder, name)).catch(() => undefined)));
  return files.flatMap((file) => (file?.setup.key === key ? file.records : []));
}

/** Indented, but with one line per entry of the lists, so that large files stay readable and small. */
export function formatResults(rest: object, lists: Record<string, readonly unknown[]>): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  const lines = (items: readonly unknown[]) => items.map((item) => `\n    ${JSON.stringify(item)}`).join(',');
  const texts = Object.entries(lists).map(
    ([name, items]) => `  "${name}": [${lines(items)}${items.length > 0 ? '\n  ' : ''}]`,
  );
  return `${head},\n${texts.join(',\n')}\n}\n`;
}
