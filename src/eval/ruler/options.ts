import { z } from 'zod';
import type { RulerEra } from '../../prompts/prompt.js';
import * as option from '../../utils/option-schemas.js';
import { suiteShape } from '../run-options.js';
import type { SuiteOptions } from '../suite.js';

/**
 * What `eval ruler` asks. By default all thirteen tasks at those of 4k, 8k and 16k that the model takes, ten samples, and
 * the methods `dense,minference`.
 */
export interface RulerOptions extends SuiteOptions {
  /** Whose rules the prompts follow: those since May 2025 (default), or those of the paper, `2024`. */
  era?: RulerEra;
  /** File with running text to hide needles in; default: the texts in datasets/haystack. */
  haystack?: string;
  /** Your copy of SQuAD (dev-v2.0.json) for qa_1; default: datasets/qa. */
  qa1?: string;
  /** Your copy of HotpotQA (hotpot_dev_distractor_v1.json) for qa_2; default: datasets/qa. */
  qa2?: string;
  /** Prompts that RULER's own program made: a .jsonl file of one task, or a folder of them, at one length. */
  data?: string;
  /** Leave broken lines of `data` out instead of refusing the file. */
  skipBad?: boolean;
}

export const rulerSchema = z.strictObject({
  ...suiteShape,
  era: option.oneOf(['2024', '2025']).optional(),
  haystack: option.path.optional(),
  qa1: option.path.optional(),
  qa2: option.path.optional(),
  data: option.path.optional(),
  skipBad: option.yesOrNo.optional(),
});
