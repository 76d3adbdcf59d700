import { checkOptions } from '../../utils/check-options.js';
import { type MethodSpec, parseMethods } from '../methods/parse-methods.js';
import type { EvalTask } from '../task.js';
import { gridSchema } from './options.js';
import { parseDepths } from './parse-depths.js';
import { parseTasks } from './parse-tasks.js';

/** The grid that is evaluated, in whatever form the user described it. */
export interface GridOptions {
  /** Tokens of a prompt and its answer together; by default those of 2k, 4k, 8k and 16k that the model takes. */
  lengths?: readonly number[];
  /** A number of depths (5 by default), spread evenly over the haystack, or depths in percent; see parseDepths. */
  depths?: number | string | readonly number[];
  /** Prompts per task, length and depth; 1 by default. */
  samples?: number;
  /** Names of tasks and groups; `single,multikey,kv` by default. See parseTasks. */
  tasks?: string | readonly string[];
  /** Methods to compare on the same prompts; `dense,a_shape,minference` by default. See parseMethods. */
  methods?: string | readonly string[];
  /** Seed of everything random; 0 by default. */
  seed?: number;
}

/** The same, checked. */
export interface NiahPlan {
  lengths: number[];
  depths: number[];
  samples: number;
  tasks: EvalTask[];
  methods: MethodSpec[];
  seed: number;
}

export const DEFAULT_LENGTHS: readonly number[] = [2048, 4096, 8192, 16_384];

/** The default lengths that a model has positions for; one that has fewer than the shortest is used whole. */
function defaultLengths(contextLength: number): number[] {
  const fitting = DEFAULT_LENGTHS.filter((length) => length <= contextLength);
  return fitting.length > 0 ? fitting : [contextLength];
}

/**
 * Checks the description of a grid and fills in the defaults.
 *
 * @param contextLength positions of the model, where it is known already
 * @throws {MinferenceError} USAGE
 */
export function planNiah(options: GridOptions, contextLength = Infinity): NiahPlan {
  const { lengths = defaultLengths(contextLength), depths = 5, samples = 1, seed = 0 } = options;
  const { tasks = 'single,multikey,kv', methods = 'dense,a_shape,minference' } = options;
  checkOptions(gridSchema, { lengths, depths, samples, tasks, methods, seed }, 'evaluate');
  return {
    lengths: [...new Set(lengths)].sort((a, b) => a - b),
    depths: parseDepths(depths),
    samples,
    tasks: parseTasks(tasks),
    methods: parseMethods(methods),
    seed,
  };
}
