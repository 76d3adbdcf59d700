import type { PromptSources, RulerEra } from '../prompts/prompt.js';
import type { OptionSchema } from '../utils/check-options.js';
import type { ProgressReporter } from '../utils/progress.js';
import type { EvalResults, EvaluatedPrompt } from './harness/results.js';
import type { MethodSpec } from './methods/parse-methods.js';
import type { EvalTask } from './task.js';

/** What is evaluated: a grid of tasks, lengths, depths and samples, and the methods that answer all of it. */
export interface EvalPlan {
  tasks: readonly EvalTask[];
  /** Tokens of prompt and answer together, ascending. */
  lengths: readonly number[];
  /** In percent of the haystack; null: drawn anew for every prompt. */
  depths: readonly number[] | null;
  /** Prompts per task, length and depth. */
  samples: number;
  seed: number;
  /** Whose rules RULER's prompts follow. */
  era: RulerEra;
  methods: readonly MethodSpec[];
}

/** What prompts are made of, with the name and hash of each file. */
export interface SuiteData {
  sources: Omit<PromptSources, 'countTokens'>;
  files: EvalResults['data'];
  /** The plan's tasks once their files were read, where reading tells more about them. */
  tasks?: readonly EvalTask[];
}

/** Options that every suite takes. */
export interface SuiteOptions {
  /** Tokens of a prompt and its answer together. */
  lengths?: readonly number[];
  /** Prompts per task and length (and depth). */
  samples?: number;
  /** Names of tasks and groups of them. */
  tasks?: string | readonly string[];
  /** Methods to compare on the same prompts; see parseMethods. */
  methods?: string | readonly string[];
  /** Seed of everything random; 0 by default. */
  seed?: number;
}

/** A benchmark: what it asks, from which data, and how its results are drawn. */
export interface Suite<Options extends SuiteOptions = SuiteOptions> {
  name: EvalResults['evaluation'];
  /** Of its own options, besides those of the run. */
  schema: OptionSchema;
  /**
   * The options, checked and filled up with defaults.
   *
   * @param contextLength positions of the model, where it is known already
   * @throws {MinferenceError} USAGE
   */
  plan(options: Options, contextLength?: number): EvalPlan;
  /** @throws {MinferenceError} READ_FAILED, DATASET_INVALID */
  load(plan: EvalPlan, options: Options, progress: ProgressReporter): Promise<SuiteData>;
  /** Pictures by file name, as SVG text. */
  draw(results: EvalResults, prompts: readonly EvaluatedPrompt[]): Record<string, string>;
}
