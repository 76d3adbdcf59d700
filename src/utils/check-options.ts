import type { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { nearest } from './nearest.js';
import { describeProblem } from './zod-problem.js';

/** Options of a function of the library: one schema for every property; others are refused. */
export type OptionSchema = z.ZodObject<z.core.$ZodLooseShape, z.core.$strict>;

/**
 * Checks options where the library takes them, before anything is loaded or allocated.
 *
 * @param name the function they were given to
 * @throws {MinferenceError} USAGE naming the first wrong option, what was expected and what was found; for an unknown
 *   one, the name that was most likely meant.
 */
export function checkOptions(schema: OptionSchema, options: unknown, name: string): void {
  const result = schema.safeParse(options, { reportInput: true });
  if (result.success) return;
  const known = Object.keys(schema.shape);
  const hint = `${name} takes ${known.join(', ')}`;
  for (const issue of result.error.issues) {
    if (issue.code !== 'unrecognized_keys' || issue.path.length > 0) continue;
    const meant = nearest(issue.keys[0]!, known);
    throw new MinferenceError('USAGE', `expected an option of ${name}, found "${issue.keys[0]}"`, {
      hint: meant === undefined ? hint : `did you mean "${meant}"? ${hint}`,
    });
  }
  throw new MinferenceError('USAGE', describeProblem(result.error), { hint });
}

/**
 * A value as its schema takes it.
 *
 * @throws {MinferenceError} USAGE
 */
export function checkValue<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new MinferenceError('USAGE', describeProblem(result.error));
}
