import type { z } from 'zod';
import type { ErrorCode } from '../errors.js';
import { MinferenceError } from '../errors.js';
import { problemOf } from '../utils/zod-problem.js';

/**
 * Parses JSON text and checks it against a schema.
 *
 * @param file - the name that errors give
 * @throws MinferenceError `code`, naming the file and the first wrong field
 */
export function parseJson<T extends z.ZodType>(text: string, schema: T, file: string, code: ErrorCode): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MinferenceError(code, `${file}: expected JSON, found a syntax error (${(cause as Error).message})`, {
      hint: 'The file is damaged or incomplete. Export or download the model again.',
      cause,
    });
  }
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw invalidField(file, result.error.issues[0]!, code);
}

/** The error for one field: its path, what was expected, what was found. */
function invalidField(file: string, issue: z.core.$ZodIssue, code: ErrorCode): MinferenceError {
  const path = issue.path.map(String).join('.');
  const where = path === '' ? file : `${file}: field "${path}"`;
  return new MinferenceError(code, `${where}: ${problemOf(issue)}`, {
    hint: `Correct ${path === '' ? 'the file' : `"${path}"`}, or export the model again.`,
  });
}
