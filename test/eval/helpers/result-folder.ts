import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAnswerStore } from '../../../src/eval/harness/answers.js';
import { buildResults } from '../../../src/eval/harness/build-results.js';
import { type PredictionRecord, readPredictions, writePredictions } from '../../../src/eval/harness/predictions.js';
import type { EvalResults } from '../../../src/eval/harness/results.js';
import { niahSuite } from '../../../src/eval/niah/suite.js';
import { rulerSuite } from '../../../src/eval/ruler/suite.js';
import { runSuite } from './run-suite.js';

export const RULER_PLAN = {
  lengths: [1024, 2048],
  samples: 3,
  tasks: 'single_1,multikey_2',
  methods: 'dense,a_shape:64,256',
};
export const NIAH_PLAN = { lengths: [1024], samples: 1, depths: 3, tasks: 'single_1', methods: 'dense,a_shape:64,256' };

/** Results of RULER's tasks by a decoder that sees only what its patterns let it see. */
export const rulerFolder = async (out: string, options: object = {}): Promise<string> => {
  await runSuite(rulerSuite, { ...RULER_PLAN, ...options, out });
  return out;
};

export const niahFolder = async (out: string, options: object = {}): Promise<string> => {
  await runSuite(niahSuite, { ...NIAH_PLAN, ...options, out });
  return out;
};

/** Changes the results of a folder, without its predictions. */
export function editResults(folder: string, edit: (results: EvalResults) => void): void {
  const path = join(folder, 'results.json');
  const results = JSON.parse(readFileSync(path, 'utf8')) as EvalResults;
  edit(results);
  writeFileSync(path, JSON.stringify(results));
}

/** Changes answers of a folder, and its results with them. */
export async function editAnswers(folder: string, edit: (record: PredictionRecord) => void): Promise<void> {
  const path = join(folder, 'predictions.jsonl');
  const { setup, records } = await readPredictions(path);
  records.forEach(edit);
  await writePredictions(path, { setup, records });
  const { results } = buildResults(setup, createAnswerStore(records));
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results));
}
