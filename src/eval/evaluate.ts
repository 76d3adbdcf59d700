import { z } from 'zod';
import { resolveModel } from '../model/directory.js';
import type { ModelDirectory } from '../model/model-directory.js';
import { Decoder } from '../prefill/decoder.js';
import { kernelGeometry } from '../runtime/native.js';
import { checkOptions } from '../utils/check-options.js';
import { defined } from '../utils/defined.js';
import { watchSchema } from '../utils/option-schemas.js';
import { type Evaluation, type EvaluationContext, evaluateSuite, type RunOptions } from './evaluate-suite.js';
import { checkLengths } from './harness/check-lengths.js';
import { parseKv } from './harness/kv-choice.js';
import { parseShard } from './harness/shard.js';
import type { InfiniteBenchOptions } from './infinitebench/options.js';
import { infiniteBenchSuite } from './infinitebench/suite.js';
import { checkBudgets } from './methods/budgets.js';
import { needsIndices } from './methods/parse-methods.js';
import type { NiahOptions } from './niah/options.js';
import { niahSuite } from './niah/suite.js';
import type { RulerOptions } from './ruler/options.js';
import { rulerSuite } from './ruler/suite.js';
import { runShape } from './run-options.js';
import type { Suite, SuiteOptions } from './suite.js';

/** How an evaluation finds its model, and where it runs. */
export interface LoadOptions {
  /** Folder, .onnx file, Hub id or an already resolved model; default: the embedded model. */
  model?: string | ModelDirectory;
  /** Which ONNX file of the folder, such as `q4`. */
  variant?: string;
  /** `'auto'` by default. */
  device?: 'auto' | 'cpu' | 'cuda';
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. Asks for CUDA. */
  deviceId?: number;
  /** CPU threads; default: the physical cores. */
  threads?: number;
}

type Run<Options> = Options & RunOptions & LoadOptions;

export type EvaluateNiahOptions = Run<NiahOptions>;
export type EvaluateRulerOptions = Run<RulerOptions>;
export type EvaluateInfiniteBenchOptions = Run<InfiniteBenchOptions>;

/**
 * Evaluates retrieval from long prompts: every method answers the same prompts, on a grid of tasks, lengths and depths.
 * src/eval/README.md has the protocol of this and the other evaluations.
 *
 * @throws {MinferenceError} USAGE, PROMPT_TOO_LONG, DATASET_INVALID, READ_FAILED, WRITE_FAILED, LOCKED, PATTERNS_*,
 *   CHECKPOINT_INVALID (results of another configuration are in `out`), ABORTED (finished answers are kept when `out` is
 *   given), and whatever opening the model throws.
 */
export const evaluateNiah = (options: EvaluateNiahOptions = {}, context?: EvaluationContext): Promise<Evaluation> =>
  run(niahSuite, options, context);

/** Evaluates RULER's thirteen tasks; throws as evaluateNiah. */
export const evaluateRuler = (options: EvaluateRulerOptions = {}, context?: EvaluationContext): Promise<Evaluation> =>
  run(rulerSuite, options, context);

/** Evaluates InfiniteBench's tasks; throws as evaluateNiah. */
export const evaluateInfiniteBench = (
  options: EvaluateInfiniteBenchOptions = {},
  context?: EvaluationContext,
): Promise<Evaluation> => run(infiniteBenchSuite, options, context);

/** What the options of a suite's evaluation must be. */
export const evaluateSchema = ({ schema }: Pick<Suite, 'schema'>) => z.strictObject({ ...runShape, ...schema.shape });

async function run<Options extends SuiteOptions>(
  suite: Suite<Options>,
  options: Run<Options>,
  context: EvaluationContext = {},
): Promise<Evaluation> {
  checkOptions(evaluateSchema(suite), options, `the evaluation ${suite.name}`);
  checkOptions(watchSchema, context, `the evaluation ${suite.name}`);
  const { model, variant, device, deviceId, threads, ...rest } = options;
  const { progress, signal } = context;
  const watch = defined({ progress, signal });
  // Before anything is loaded: what is wrong whatever the model.
  const { methods } = suite.plan(options);
  checkBudgets(options);
  if (options.shard !== undefined) parseShard(options.shard);
  if (options.kv !== undefined) parseKv(options.kv);
  const directory =
    typeof model === 'object' ? model : await resolveModel(model, { ...watch, ...defined({ variant }) });
  checkLengths(options.lengths ?? [], directory.config);
  const indices = needsIndices(methods) || options.kv !== undefined;
  using decoder = await Decoder.open({
    model: directory,
    indices,
    ...defined({ device, deviceId, threads }),
    ...watch,
  });
  const geometry = kernelGeometry(decoder.layers[0]!.headDim, decoder.session.device, decoder.session.deviceId);
  const own = { ...rest, geometry, threads: threads ?? null } as unknown as Options &
    RunOptions & { geometry: typeof geometry; threads: number | null };
  const evaluation = await evaluateSuite(suite, decoder, own, context);
  return { ...evaluation, timings: { ...evaluation.timings, loadMs: decoder.loadMs } };
}
