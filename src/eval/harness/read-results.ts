import { join } from 'node:path';
import { MinferenceError } from '../../errors.js';
import { readJsonFile } from '../../utils/json.js';
import { describeProblem } from '../../utils/zod-problem.js';
import { RESULTS_NAME } from './output.js';
import { EVAL_SCHEMA, type EvalResults, evalSchema } from './results.js';

const MAX_BYTES = 256 * 2 ** 20;

/**
 * Reads the results of a folder.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readResults(folder: string): Promise<EvalResults> {
  const path = join(folder, RESULTS_NAME);
  const hint = 'give a folder that minference eval wrote to with --out';
  const value = await readJsonFile(path, { code: 'CHECKPOINT_INVALID', maxBytes: MAX_BYTES, hint });
  const result = evalSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problem = `${path}: expected results of schema ${EVAL_SCHEMA}: ${describeProblem(result.error)}`;
  throw new MinferenceError('CHECKPOINT_INVALID', problem, { hint: isOtherVersion(value) ? OTHER_VERSION : hint });
}

const OTHER_VERSION = 'another version of minference wrote them: use that one, or run the evaluation again';

function isOtherVersion(value: unknown): boolean {
  const schema = (value as { schema?: unknown } | null)?.schema;
  return typeof schema === 'string' && /^minference\.eval\/\d+$/.test(schema) && schema !== EVAL_SCHEMA;
}
