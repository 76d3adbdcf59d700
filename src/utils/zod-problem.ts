import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/**
 * What a schema has against a value, in this project's words: 'layers.3.heads: expected …, found …'. For values parsed
 * with `reportInput: true`.
 */
export function describeProblem(error: z.core.$ZodError): string {
  const issue = error.issues[0]!;
  const others = error.issues.length - 1;
  return `${placeOf(issue)}${problemOf(issue)}${others > 0 ? ` (and ${others} more)` : ''}`;
}

const placeOf = (issue: Issue) => (issue.path.length === 0 ? '' : `${issue.path.join('.')}: `);

/** The same of one issue, without its place. Messages that a schema gives itself begin with 'expected'. */
export function problemOf(issue: Issue): string {
  if (issue.code === 'custom' && issue.message.includes(', found ')) return issue.message;
  if (issue.message.startsWith('expected ')) return `${issue.message}, found ${show(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}, found ${show(issue.input)}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unit(issue.origin)}, found ${size(issue)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unit(issue.origin)}, found ${size(issue)}`;
    case 'unrecognized_keys':
      return `expected no field ${issue.keys.map(show).join(', ')}`;
    case 'invalid_value':
      return `expected ${issue.values.map(show).join(' or ')}, found ${show(issue.input)}`;
    case 'invalid_union':
      return unionProblem(issue);
    case 'custom':
      return issue.message;
    default:
      return `${issue.message}, found ${show(issue.input)}`;
  }
}

function unionProblem(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const { input } = issue;
  if ('options' in issue && Array.isArray(issue.options)) {
    const found = (input as Record<string, unknown> | undefined)?.[String(issue.discriminator)];
    return `expected ${issue.options.map(show).join(' or ')}, found ${show(found)}`;
  }
  const branch = issue.errors[Array.isArray(input) ? issue.errors.length - 1 : 0]?.[0];
  if (branch === undefined) return `expected another value, found ${show(input)}`;
  const found = branch.input ?? (branch.path.length === 0 ? input : undefined);
  return `${placeOf(branch)}${problemOf({ ...branch, input: found } as Issue)}`;
}

const typeName = (name: string) => (name === 'int' ? 'a whole number' : `a value of type ${name}`);
const unit = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');

function size(issue: { origin: string; input?: unknown }): string {
  if (issue.origin === 'array' || issue.origin === 'string') return String((issue.input as { length: number }).length);
  return show(issue.input);
}

const MAX_SHOWN = 60;

/** A value as an error message repeats it: never long. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  const json = toJson(value);
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN - 3)}…` : json;
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'an object that refers to itself';
  }
}
