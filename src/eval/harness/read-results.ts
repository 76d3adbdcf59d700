import { MinferenceError } from '../../errors.js';
import { readJsonFile } from '../../utils/json.js';
import { describeProblem } from '../../utils/zod-problem.js';
import { EVAL_SCHEMA, type EvalResults, evalSchema } from './results.js';

/** A million answers. */
const MAX_BYTES = 1024 * 2 ** 20;

/**
 * Reads a results file.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readResults(path: string): Promise<EvalResults> {
  const hint = 'give a results file of: minference eval niah';
  const value = await readJsonFile(path, { code: 'CHECKPOINT_INVALID', maxBytes: MAX_BYTES, hint });
  const result = evalSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new MinferenceError(
    'CHECKPOINT_INVALID',
    `${path}: expected results of schema ${EVAL_SCHEMA}: ${describeProblem(result.error)}`,
    { hint },
  );
}
