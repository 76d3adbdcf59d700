import { z } from 'zod';
import * as option from '../../utils/option-schemas.js';
import { suiteShape } from '../run-options.js';
import type { SuiteOptions } from '../suite.js';

/**
 * What `eval infinitebench` asks. By default the four tasks that a program makes (and, with `data`, those whose files are
 * there) at 16k or what the model takes, ten samples, and the methods `dense,minference`.
 */
export interface InfiniteBenchOptions extends SuiteOptions {
  /** Folder of your copy of InfiniteBench: `<task>.jsonl` for the tasks that no program can make. */
  data?: string;
  /** Leave broken lines out instead of refusing the file. */
  skipBad?: boolean;
}

export const infiniteBenchSchema = z.strictObject({
  ...suiteShape,
  data: option.path.optional(),
  skipBad: option.yesOrNo.optional(),
});
