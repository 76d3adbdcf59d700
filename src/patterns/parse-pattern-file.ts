import type { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { PATTERN_SCHEMA, type PatternFile, patternFileSchema } from './pattern-file.js';

type Issue = z.core.$ZodIssue;

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
  const issue = result.error.issues[0]!;
  const others = result.error.issues.length - 1;
  throw new MinferenceError(
    'PATTERNS_INVALID',
    `${name}: ${place(issue)}${problem(issue)}${others > 0 ? ` (and ${others} more)` : ''}`,
    { hint: 'correct that field (configs/schema.json describes them), or make the file again with: minference search' },
  );
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

const place = (issue: Issue) => (issue.path.length === 0 ? '' : `${issue.path.join('.')}: `);

function problem(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}, found ${show(issue.input)}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unit(issue.origin)}, found ${size(issue)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unit(issue.origin)}, found ${size(issue)}`;
    case 'unrecognized_keys':
      return `expected no field ${issue.keys.map((key) => show(key)).join(', ')}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => show(value)).join(' or ')}, found ${show(issue.input)}`;
    case 'invalid_union':
      return unionProblem(issue);
    case 'custom':
      return issue.message;
    default:
      return `${issue.message}, found ${show(issue.input)}`;
  }
}

function unionProblem(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if ('options' in issue && Array.isArray(issue.options)) {
    const found = (issue.input as Record<string, unknown> | undefined)?.[String(issue.discriminator)];
    return `expected ${issue.options.map((option) => show(option)).join(' or ')}, found ${show(found)}`;
  }
  const input = issue.input;
  const branch = issue.errors[Array.isArray(input) ? issue.errors.length - 1 : 0]?.[0];
  if (branch === undefined) return `expected another value, found ${show(input)}`;
  return `${place(branch)}${problem({ ...branch, input: branch.input ?? (branch.path.length === 0 ? input : undefined) } as Issue)}`;
}

const typeName = (name: string) => (name === 'int' ? 'a whole number' : `a value of type ${name}`);
const unit = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');

function size(issue: { origin: string; input?: unknown }): string {
  if (issue.origin === 'array' || issue.origin === 'string') return String((issue.input as { length: number }).length);
  return show(issue.input);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
