import { z } from 'zod';
import * as option from '../../utils/option-schemas.js';
import { suiteShape } from '../run-options.js';
import type { SuiteOptions } from '../suite.js';

/**
 * The grid of `eval niah`, in whatever form the user described it. By default lengths of 2k, 4k, 8k and 16k that the
 * model takes, one sample, the tasks `single,multikey,kv` and the methods `dense,a_shape,minference`.
 */
export interface NiahOptions extends SuiteOptions {
  /** A number of depths (5 by default), spread evenly over the haystack, or depths in percent; see parseDepths. */
  depths?: number | string | readonly number[];
  /** File with running text to hide needles in; default: the texts in datasets/haystack. */
  haystack?: string;
}

export const niahSchema = z.strictObject({
  ...suiteShape,
  depths: z
    .union([z.number(), z.string(), z.array(z.number())], {
      error: 'expected a number of depths, or a list in percent',
    })
    .optional(),
  haystack: option.path.optional(),
});
