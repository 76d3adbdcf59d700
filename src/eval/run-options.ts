import { z } from 'zod';
import { loadShape } from '../prefill/options.js';
import * as option from '../utils/option-schemas.js';
import { MAX_LIST_LENGTH, MAX_TOKEN_COUNT } from '../utils/parse-size.js';
import { budgetShape } from './methods/budgets.js';

/** Shorter prompts have no room for a haystack. */
const MIN_LENGTH = 256;
const MAX_SAMPLES = 10_000;

export const names = (what: string) =>
  z.union([z.string(), z.array(z.string())], { error: `expected ${what}, as a list or separated by commas` });

/** Options of every suite; tasks and methods have parsers of their own. */
export const suiteShape = {
  lengths: z
    .array(option.wholeNumber('a number of tokens', MIN_LENGTH, MAX_TOKEN_COUNT), {
      error: `expected from 1 to ${MAX_LIST_LENGTH} numbers of tokens`,
    })
    .min(1)
    .max(MAX_LIST_LENGTH)
    .optional(),
  samples: option.wholeNumber('a number of prompts', 1, MAX_SAMPLES).optional(),
  tasks: names('names of tasks').optional(),
  methods: names('names of methods').optional(),
  seed: option.seed.optional(),
};

/** Options of the run, whatever the suite. */
export const runShape = {
  ...loadShape,
  patterns: option.patternSource.optional(),
  ignoreFingerprint: option.yesOrNo.optional(),
  chunk: option.tokenCount().optional(),
  allowDense: option.yesOrNo.optional(),
  kv: option.text('snapkv or snapkv:<tokens>').optional(),
  ...budgetShape,
  out: option.path.optional(),
  resume: option.yesOrNo.optional(),
  shard: z.string({ error: 'expected a shard such as 2/8' }).optional(),
};
