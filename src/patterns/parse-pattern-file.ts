import { MinferenceError } from '../errors.js';
import { describeProblem, show } from '../utils/zod-problem.js';
import { PATTERN_SCHEMA, type PatternFile, patternFileSchema } from './pattern-file.js';

/**
 * Checks a parsed JSON value against the schema of pattern files.
 *
 * @param name - what to call the file in errors
 * @throws {MinferenceError} PATTERNS_INVALID with the path of the first wrong field, what was expected and found.
 */
export function parsePatternFile(value: unknown, name: string): PatternFile {
  checkVersion(value, name);
  const result = patternFileSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new MinferenceError('PATTERNS_INVALID', `${name}: ${describeProblem(result.error)}`, {
    hint: 'correct that field (configs/schema.json describes them), or make the file again with: minference search',
  });
}

/** The version comes first: a file of another version must not be reported field by field. */
function checkVersion(value: unknown, name: string): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new MinferenceError('PATTERNS_INVALID', `${name}: expected a pattern file, found ${show(value)}`, {
      hint: 'a pattern file is a JSON object; make one with: minference search',
    });
  }
  const schema = (value as Record<string, unknown>).schema;
  if (schema === PATTERN_SCHEMA) return;
  const isOurs = typeof schema === 'string' && schema.startsWith('minference.patterns/');
  throw new MinferenceError('PATTERNS_INVALID', `${name}: expected schema "${PATTERN_SCHEMA}", found ${show(schema)}`, {
    hint: isOurs
      ? 'the file was written by another version of minference: use that version, or search again with this one'
      : 'this is not a pattern file; make one with: minference search',
  });
}
