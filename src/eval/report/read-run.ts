import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { MinferenceError } from '../../errors.js';
import { createAnswerStore } from '../harness/answers.js';
import { methodsOf, placeOrder } from '../harness/build-results.js';
import type { GridPlace } from '../harness/grid.js';
import { predictionFiles, RESULTS_NAME } from '../harness/output.js';
import { type PredictionRecord, readPredictions } from '../harness/predictions.js';
import { readResults } from '../harness/read-results.js';
import type { EvalResults, EvaluatedPrompt } from '../harness/results.js';

/** A folder of results as it was read. */
export interface RunFiles {
  /** Absolute, links followed: the same folder under two names is one. */
  folder: string;
  results: EvalResults;
  /** In the order of the results; null where there are no predictions to them. */
  prompts: EvaluatedPrompt[] | null;
  /** Why there are none, without a path. */
  missing: string | null;
}

/**
 * Reads results and, where they are there, predictions.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readRun(folder: string): Promise<RunFiles> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    const found = cause.code === 'ENOENT' ? 'none' : cause.code === 'ENOTDIR' ? 'a file' : cause.message;
    throw new MinferenceError('READ_FAILED', `${folder}: expected a folder of results, found ${found}`, {
      hint: 'give the folders that evaluations wrote to with --out',
      cause,
    });
  });
  if (!names.includes(RESULTS_NAME)) throw noResults(folder, names);
  const results = await readResults(folder);
  return { folder: await realpath(folder), results, ...(await readPrompts(folder, results)) };
}

function noResults(folder: string, names: readonly string[]): MinferenceError {
  const hint = names.some((name) => /^predictions\.\d+-of-\d+\.jsonl$/.test(name))
    ? `these are shards: put them together first, minference eval merge ${folder} --out ${folder}`
    : names.includes('predictions.jsonl')
      ? 'the evaluation was interrupted: run the same command again, it goes on where it stopped'
      : 'give the folders that evaluations wrote to with --out';
  return new MinferenceError('READ_FAILED', `${folder}: expected ${RESULTS_NAME} in it, found none`, { hint });
}

/** Predictions are what examples are made of: a report without them is better than none. */
async function readPrompts(folder: string, results: EvalResults): Promise<Pick<RunFiles, 'prompts' | 'missing'>> {
  const none = (missing: string) => ({ prompts: null, missing });
  const names = await predictionFiles(folder);
  if (names.length === 0) return none('predictions.jsonl is missing');
  try {
    const files = await Promise.all(names.map((name) => readPredictions(join(folder, name))));
    const records: PredictionRecord[] = files.flatMap((file) => (file.setup.key === results.key ? file.records : []));
    if (records.length === 0) return none('its predictions are none, or of another evaluation');
    const places = placesOfRecords(results, records);
    return { prompts: createAnswerStore(records).collect(places, methodsOf(results)), missing: null };
  } catch (error) {
    if (!(error instanceof MinferenceError)) throw error;
    return none('its predictions cannot be read');
  }
}

/** Places that are there and that the results count, each once; more may be there, of calls before. */
function placesOfRecords(results: EvalResults, records: readonly PredictionRecord[]): GridPlace[] {
  const { lengths, tasks, samples } = results.options;
  const names = new Set(tasks.map(({ name }) => name));
  const order = placeOrder(results);
  return records
    .map(({ prompt }) => prompt)
    .filter(({ length, task, sample }) => lengths.includes(length) && names.has(task) && sample < samples)
    .sort(order)
    .filter((place, index, sorted) => index === 0 || order(place, sorted[index - 1]!) !== 0);
}
