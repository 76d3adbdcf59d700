import { z } from 'zod';
import * as option from '../../utils/option-schemas.js';
import { runShape, suiteShape } from '../run-options.js';

/**
 * What `eval latency` times. By default lengths of 1k, 2k, 4k, 8k and 16k that the model takes, five rounds and the methods
 * `dense,minference`.
 */
export interface LatencyOptions {
  /** Tokens of the prompts. */
  lengths?: readonly number[];
  /** Timed prefills of each length and method. */
  rounds?: number;
  /** Methods that take turns; dense is always among them, as what the others are compared with. */
  methods?: string | readonly string[];
  /** File with running text; default: the texts in datasets/haystack. */
  text?: string;
}

export const latencyShape = {
  lengths: suiteShape.lengths,
  rounds: option.wholeNumber('a number of rounds', 1, 1000).optional(),
  methods: suiteShape.methods,
  text: option.path.optional(),
};

export const latencySchema = z.strictObject({ ...runShape, ...latencyShape }).omit({ shard: true, kv: true });
