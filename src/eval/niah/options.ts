import { z } from 'zod';
import { loadShape } from '../../prefill/options.js';
import * as option from '../../utils/option-schemas.js';
import { MAX_LIST_LENGTH, MAX_TOKEN_COUNT } from '../../utils/parse-size.js';

/** Shorter prompts have no room for a haystack. */
const MIN_LENGTH = 256;
const MAX_SAMPLES = 10_000;

const names = (what: string) =>
  z.union([z.string(), z.array(z.string())], { error: `expected ${what}, as a list or separated by commas` });

const gridShape = {
  lengths: z
    .array(option.wholeNumber('a number of tokens', MIN_LENGTH, MAX_TOKEN_COUNT), {
      error: `expected from 1 to ${MAX_LIST_LENGTH} numbers of tokens`,
    })
    .min(1)
    .max(MAX_LIST_LENGTH)
    .optional(),
  depths: z
    .union([z.number(), z.string(), z.array(z.number())], {
      error: 'expected a number of depths, or a list in percent',
    })
    .optional(),
  samples: option.wholeNumber('a number of prompts', 1, MAX_SAMPLES).optional(),
  tasks: names('names of tasks').optional(),
  methods: names('names of methods').optional(),
  seed: option.seed.optional(),
};

/** What describes the grid; depths, tasks and methods have parsers of their own. */
export const gridSchema = z.strictObject(gridShape);

/** What the options of `evaluate` must be. */
export const evaluateSchema = z.strictObject({
  ...loadShape,
  ...gridShape,
  patterns: option.patternSource.optional(),
  ignoreFingerprint: option.yesOrNo.optional(),
  haystack: option.path.optional(),
  chunk: option.tokenCount().optional(),
  out: option.path.optional(),
  resume: option.yesOrNo.optional(),
});
