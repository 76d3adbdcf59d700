import type { z } from 'zod';
import type { ErrorCode } from '../errors.js';
import { MinferenceError } from '../errors.js';

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
  return new MinferenceError(code, `${where}: expected ${expectation(issue)}, found ${describe(issue.input)}`, {
    hint: `Correct ${path === '' ? 'the file' : `"${path}"`}, or export the model again.`,
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'an integer' : `a value of type ${issue.expected}`;
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'invalid_union':
      return issue.errors.map((errors) => (errors[0] ? expectation(errors[0]) : 'another type')).join(' or ');
    default:
      return issue.message;
  }
}

function describe(input: unknown): string {
  if (input === undefined) return 'nothing';
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
