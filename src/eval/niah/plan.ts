import { MinferenceError } from '../../errors.js';
import { MAX_LIST_LENGTH } from '../../utils/parse-size.js';
import { type MethodSpec, parseMethods } from '../methods/parse-methods.js';
import type { EvalTask } from '../task.js';
import { parseDepths } from './parse-depths.js';
import { parseTasks } from './parse-tasks.js';

/** The grid that is evaluated, in whatever form the user described it. */
export interface GridOptions {
  /** Tokens of a prompt and its answer together; 2k, 4k, 8k and 16k by default. */
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

/** Shorter prompts have no room for a haystack. */
export const MIN_LENGTH = 256;
export const MAX_SAMPLES = 10_000;
export const DEFAULT_LENGTHS: readonly number[] = [2048, 4096, 8192, 16_384];

/**
 * Checks the description of a grid and fills in the defaults.
 *
 * @throws {MinferenceError} USAGE
 */
export function planNiah(options: GridOptions): NiahPlan {
  const { lengths = DEFAULT_LENGTHS, samples = 1, seed = 0 } = options;
  if (lengths.length === 0 || lengths.length > MAX_LIST_LENGTH) {
    throw new MinferenceError('USAGE', `expected from 1 to ${MAX_LIST_LENGTH} lengths, found ${lengths.length}`);
  }
  const wrong = lengths.find((length) => !Number.isInteger(length) || length < MIN_LENGTH);
  if (wrong !== undefined) {
    throw new MinferenceError('USAGE', `expected lengths of at least ${MIN_LENGTH} tokens, found ${wrong}`);
  }
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
    throw new MinferenceError('USAGE', `expected a number of samples from 1 to ${MAX_SAMPLES}, found ${samples}`);
  }
  if (!Number.isSafeInteger(seed)) throw new MinferenceError('USAGE', `expected a whole number as seed, found ${seed}`);
  return {
    lengths: [...new Set(lengths)].sort((a, b) => a - b),
    depths: parseDepths(options.depths ?? 5),
    samples,
    tasks: parseTasks(options.tasks ?? 'single,multikey,kv'),
    methods: parseMethods(options.methods ?? 'dense,a_shape,minference'),
    seed,
  };
}
