import { join } from 'node:path';
import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { checkOptions } from '../utils/check-options.js';
import { hashJson } from '../utils/hash.js';
import * as option from '../utils/option-schemas.js';
import type { EvaluationContext } from './evaluate-suite.js';
import { type AnswerStore, createAnswerStore } from './harness/answers.js';
import { buildResults, methodsOf, placesInOrder } from './harness/build-results.js';
import { openOutput, predictionFiles } from './harness/output.js';
import { type PredictionRecord, readPredictions } from './harness/predictions.js';
import type { EvalResults, EvalSetup, EvaluatedPrompt } from './harness/results.js';
import { infiniteBenchSuite } from './infinitebench/suite.js';
import { niahSuite } from './niah/suite.js';
import { rulerSuite } from './ruler/suite.js';

export interface MergeOptions {
  /** Folders that shards wrote to; several shards may have shared one. */
  folders: readonly string[];
  /** Folder for the results of the whole. Default: nothing is written. */
  out?: string;
}

export interface Merged {
  results: EvalResults;
  prompts: EvaluatedPrompt[];
  /** Files that the results were written to. */
  files: string[];
  /** Files of predictions that were put together. */
  parts: string[];
}

export const mergeSchema = z.strictObject({
  folders: z.array(option.text('a folder')).min(1, { error: 'expected at least one folder' }),
  out: option.path.optional(),
});

const SUITES = [niahSuite, rulerSuite, infiniteBenchSuite];

interface Part {
  path: string;
  setup: EvalSetup;
  records: PredictionRecord[];
}

/**
 * Puts the predictions of shards together: the same results as those of one run. Needs neither the model nor its data.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID when parts are of different evaluations, answer one prompt
 *   differently or leave answers out: the message names them; USAGE, WRITE_FAILED, LOCKED
 */
export async function mergeResults(
  options: MergeOptions,
  context: Pick<EvaluationContext, 'progress'> = {},
): Promise<Merged> {
  checkOptions(mergeSchema, options, 'mergeResults');
  const parts = await readParts(options.folders);
  const setup = commonSetup(parts);
  const answers = createAnswerStore();
  const source = new Map<string, { path: string; prediction: string }>();
  for (const { path, records } of parts) {
    for (const record of records) {
      refuseConflict(source, path, record);
      answers.add(record);
    }
  }
  refuseMissing(parts, setup, answers);
  const { results, prompts } = buildResults(setup, answers);
  await using output = await openOutput(options.out, undefined, (text) => context.progress?.warn(text));
  const suite = SUITES.find(({ name }) => name === setup.evaluation)!;
  await output.openAnswers(setup, true);
  const files = await output.write(results, suite.draw(results, prompts), answers);
  return { results, prompts, files, parts: parts.map(({ path }) => path) };
}

async function readParts(folders: readonly string[]): Promise<Part[]> {
  const paths = await Promise.all(
    folders.map(async (folder) => {
      const names = await predictionFiles(folder).catch((cause) => {
        throw new MinferenceError('READ_FAILED', `${folder}: expected a folder of results, found none`, {
          hint: 'give the folders that shards wrote to with --out',
          cause,
        });
      });
      if (names.length === 0) {
        throw new MinferenceError('READ_FAILED', `${folder}: expected predictions of an evaluation, found none`, {
          hint: 'give the folders that shards wrote to with --out',
        });
      }
      return names.map((name) => join(folder, name));
    }),
  );
  return Promise.all([...new Set(paths.flat())].map(async (path) => ({ path, ...(await readPredictions(path)) })));
}

/** What all parts agree in; the threads and the like are in the key. */
function commonSetup([first, ...others]: readonly Part[]): EvalSetup {
  const grid = ({ key, options }: EvalSetup) => hashJson({ key, options });
  for (const { path, setup } of others) {
    if (grid(setup) === grid(first!.setup)) continue;
    const names = [...Object.keys(setup.options), 'key'] as const;
    const partOf = ({ key, options }: EvalSetup, name: string) => JSON.stringify({ ...options, key }[name as 'key']);
    const name = names.find((name) => partOf(setup, name) !== partOf(first!.setup, name))!;
    throw new MinferenceError(
      'CHECKPOINT_INVALID',
      `${path}: expected a part of the same evaluation as ${first!.path}, found another ${name === 'key' ? 'model, machine or data' : name}: ${shown(partOf(setup, name))} instead of ${shown(partOf(first!.setup, name))}`,
      { hint: 'run all shards with the same options, and merge each evaluation for itself' },
    );
  }
  return first!.setup;
}

const shown = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** Decoding is greedy: two answers to one prompt that differ come from two machines or two versions of something. */
function refuseConflict(
  source: Map<string, { path: string; prediction: string }>,
  path: string,
  { prompt, answer }: PredictionRecord,
): void {
  if (!answer) return;
  const { task, length, depth, sample } = prompt;
  const key = JSON.stringify([task, length, depth, sample, answer.method, answer.patterns_sha256]);
  const other = source.get(key);
  if (other && other.prediction !== answer.prediction) {
    throw new MinferenceError(
      'CHECKPOINT_INVALID',
      `${path} and ${other.path} answer the same prompt differently (${task}, ${length} tokens, sample ${sample}, ${answer.method})`,
      { hint: 'leave one of the folders out' },
    );
  }
  source.set(key, { path, prediction: answer.prediction });
}

function refuseMissing(parts: readonly Part[], setup: EvalSetup, answers: AnswerStore): void {
  const methods = methodsOf(setup);
  const failed = new Set(
    answers
      .failures(placesInOrder(setup), methods)
      .map(({ task, length, depth, sample, method }) => JSON.stringify([task, length, depth, sample, method])),
  );
  const missing = placesInOrder(setup).flatMap((place) =>
    methods
      .filter(({ name, patternsSha256 }) => {
        const identity = { method: name, patterns_sha256: patternsSha256(place.length) };
        const { task, length, depth, sample } = place;
        return !answers.has(place, identity) && !failed.has(JSON.stringify([task, length, depth, sample, name]));
      })
      .map(({ name }) => ({ ...place, method: name })),
  );
  if (missing.length === 0) return;
  const { task, length, sample, method } = missing[0]!;
  const lost = missingShards(parts);
  const total = placesInOrder(setup).length * methods.length;
  throw new MinferenceError(
    'CHECKPOINT_INVALID',
    `expected ${total} answers, found ${total - missing.length}: the first one missing is ${task}, ${length} tokens, sample ${sample}, ${method}`,
    {
      hint:
        lost.length > 0
          ? `no file of shard ${lost.join(', ')} is there: run it, or give its folder too`
          : 'run the shard that was interrupted again: it does only what is missing',
    },
  );
}

/** Shards of which there is no file, as 'i/n'. */
function missingShards(parts: readonly Part[]): string[] {
  const found = parts.flatMap(({ path }) => {
    const [, index, count] = (/predictions\.(\d+)-of-(\d+)\.jsonl$/.exec(path) ?? []).map(Number);
    return index && count ? [{ index, count }] : [];
  });
  const count = found[0]?.count ?? 0;
  if (found.some((shard) => shard.count !== count)) return [];
  return Array.from({ length: count }, (_, index) => index + 1)
    .filter((index) => !found.some((shard) => shard.index === index))
    .map((index) => `${index}/${count}`);
}
