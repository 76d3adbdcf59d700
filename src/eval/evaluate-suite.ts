import { peakMemoryBytes } from '../prefill/peak-memory.js';
import type { DeviceChoice } from '../runtime/device.js';
import { type ProgressReporter, silentProgress } from '../utils/progress.js';
import { answerGrid } from './harness/answer-grid.js';
import { buildResults } from './harness/build-results.js';
import { buildSetup, type DecoderFacts } from './harness/build-setup.js';
import { checkLengths } from './harness/check-lengths.js';
import type { EvalDecoder } from './harness/eval-decoder.js';
import { createGrid } from './harness/grid.js';
import { parseKv } from './harness/kv-choice.js';
import { openOutput } from './harness/output.js';
import { createPromptMaker } from './harness/prompt-maker.js';
import type { EvalResults, EvaluatedPrompt } from './harness/results.js';
import { parseShard } from './harness/shard.js';
import { trialPrompts } from './harness/trial-prompts.js';
import type { MethodBudgets } from './methods/budgets.js';
import { prepareMethods } from './methods/method.js';
import { resolveMethods } from './methods/resolve-methods.js';
import type { Suite, SuiteOptions } from './suite.js';

/** Options of the run, whatever the suite. */
export interface RunOptions extends MethodBudgets {
  /** Pattern file of the method minference, or `auto` (default): the one in configs/ made for this model. */
  patterns?: string;
  /** Take a pattern file of another export of the model, when the shapes agree. */
  ignoreFingerprint?: boolean;
  /** Tokens per run of the graph; default: as many as memory allows. */
  chunk?: number;
  /** Let heads run dense where that is as fast; by default they compute what their method says. */
  allowDense?: boolean;
  /**
   * What decoding sees of the prompt, after the prefill of every method: `snapkv`, or `snapkv:<tokens>` with the capacity per
   * head. Default: all of it.
   */
  kv?: string;
  /** Folder for results, predictions and pictures. Default: nothing is written. */
  out?: string;
  /** Continue an evaluation of the same options in the same folder; true by default. */
  resume?: boolean;
  /** Do one part of several, such as `2/8`; `mergeResults` puts them together. */
  shard?: string;
}

export interface EvaluationContext {
  progress?: ProgressReporter;
  /** Stops between answers, and within one as soon as the runtime can. */
  signal?: AbortSignal;
}

/** What an evaluation gives back. */
export interface Evaluation {
  /** Contents of the results file. */
  results: EvalResults;
  /** Every prompt with all answers to it. */
  prompts: EvaluatedPrompt[];
  /** Pictures by file name, as SVG text. */
  pictures: Record<string, string>;
  /** Folder written to, and its files; null and none without `out`. */
  out: string | null;
  files: string[];
  /** Answers asked for, those that an earlier run had, and those that are missing because the method failed. */
  answers: { total: number; resumed: number; failed: number };
  timings: { loadMs: number; totalMs: number };
  /** Where the model ran, and why. */
  device: DeviceChoice;
  /** Largest resident memory of the process so far. */
  peakMemoryBytes: number;
}

/** An evaluation with an open decoder; see evaluate. */
export async function evaluateSuite<Options extends SuiteOptions>(
  suite: Suite<Options>,
  decoder: EvalDecoder,
  options: Options & RunOptions & DecoderFacts,
  context: EvaluationContext = {},
): Promise<Evaluation> {
  const started = performance.now();
  const { progress = silentProgress, signal } = context;
  const { out, resume = true, patterns = 'auto', ignoreFingerprint = false, geometry } = options;
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
  const chunk = options.chunk ?? null;
  const allowDense = options.allowDense ?? false;
  const kv = options.kv === undefined ? undefined : parseKv(options.kv);
  const planned = suite.plan(options, decoder.directory.config.contextLength);
  checkLengths(planned.lengths, decoder.directory.config);

  await using output = await openOutput(out, shard, (text) => progress.warn(text));
  const methods = await resolveMethods(planned.methods, {
    decoder,
    patterns,
    ignoreFingerprint,
    geometry,
    budgets: options,
  });
  const { sources, files, tasks = planned.tasks } = await suite.load(planned, options, progress);
  const plan = { ...planned, tasks };
  const { tokenizer } = decoder;
  const { contextLength } = decoder.directory.config;
  const { seed, era } = plan;
  const makerOf = (seed: number) =>
    createPromptMaker({ tokenizer, sources, seed, era, suite: suite.name, contextLength });
  const grid = createGrid(plan, methods, makerOf(seed), shard);
  const prompts = trialPrompts(plan, makerOf);
  await prepareMethods(methods, { decoder, lengths: plan.lengths, prompts, chunk, progress, signal });

  const setup = buildSetup({ suite, decoder, facts: options, plan, methods, grid, files, chunk, allowDense, kv });
  const { answers, file } = await output.openAnswers(setup, resume);
  const total = grid.places.length * methods.length;
  const resumed = grid.countFinished(answers);
  if (resumed > 0) progress.note(`continuing: ${resumed} of ${total} answers were finished`);

  await answerGrid({ decoder, grid, answers, file, chunk, allowDense, kv, progress, signal });

  const evaluated = buildResults(setup, answers);
  const pictures = suite.draw(evaluated.results, evaluated.prompts);
  const written = await output.write(evaluated.results, pictures, answers);
  return {
    ...evaluated,
    pictures,
    out: out ?? null,
    files: written,
    device: decoder.device,
    answers: { total, resumed, failed: total - grid.countFinished(answers) },
    timings: { loadMs: 0, totalMs: performance.now() - started },
    peakMemoryBytes: peakMemoryBytes(),
  };
}
