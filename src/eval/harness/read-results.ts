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
  throw new MinferenceError(
    'CHECKPOINT_INVALID',
    `${path}: expected results of schema ${EVAL_SCHEMA}: ${describeProblem(result.error)}`,
    { hint: hintFor((value as { schema?: unknown } | null)?.schema) ?? hint },
  );
}

/** What to do about results that are ours, but others. */
function hintFor(schema: unknown): string | undefined {
  if (typeof schema !== 'string' || schema === EVAL_SCHEMA) return undefined;
  if (/^minference\.eval\/\d+$/.test(schema)) {
    return 'another version of minference wrote them: use that one, or run the evaluation again';
  }
  return schema.startsWith('minference.') ? 'give a folder of eval niah, eval ruler or eval infinitebench' : undefined;
}
