import { z } from 'zod';
import { MAX_SAMPLES, MAX_TOKENS } from '../src/patterns/limits.js';
import { OBJECTIVES } from '../src/patterns/pattern-file.js';
import { loadShape } from '../src/prefill/options.js';
import * as option from '../src/utils/option-schemas.js';

/** Below it every pattern is dense after rounding to tiles. */
const MIN_LENGTH = 256;

/** What the options of `search` must be; budget and calibration sets have parsers of their own. */
export const searchSchema = z.strictObject({
  ...loadShape,
  length: option.wholeNumber('a whole number', MIN_LENGTH, MAX_TOKENS).optional(),
  budget: option.text('a budget such as 20%').optional(),
  calibration: option.text('calibration sets such as kv').optional(),
  samples: option.wholeNumber('a number of prompts', 1, MAX_SAMPLES).optional(),
  objective: option.oneOf(OBJECTIVES).optional(),
  seed: option.seed.optional(),
  out: option.path.optional(),
  resume: option.yesOrNo.optional(),
});
