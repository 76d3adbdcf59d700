import { z } from 'zod';
import { MAX_TOKEN_COUNT } from './parse-size.js';
import type { ProgressReporter } from './progress.js';

/** Schemas of the kinds of options that several functions take. Their messages are ours: 'expected …'. */

/** `what` it counts: 'a number of threads'. */
export function wholeNumber(what: string, min: number, max: number): z.ZodNumber {
  const error = ({ input }: { input?: unknown }) => {
    const fractional = Number.isFinite(input) && !Number.isInteger(input);
    return `expected ${what} from ${min} to ${max}${fractional ? ' without a fraction' : ''}`;
  };
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const tokenCount = (min = 1): z.ZodNumber => wholeNumber('a number of tokens', min, MAX_TOKEN_COUNT);

/** `what` it stands for: 'a folder or a Hub id'. */
export const text = (what: string) =>
  z
    .string({ error: `expected ${what}` })
    .refine((value) => value.trim() !== '', { error: `expected ${what}` })
    .refine((value) => !value.includes('\0'), { error: `expected ${what} without NUL characters` });

/** Where a model is. */
export const modelSource = text('a folder or a Hub id');

/** A pattern file, `dense` or `auto`. */
export const patternSource = text('a pattern file or auto');

/** Of a file that is read or written. */
export const path = text('the path of a file');

export const oneOf = <const Value extends string>(values: readonly Value[]) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` });

export const yesOrNo = z.boolean({ error: 'expected true or false' });

/** A function that is called back; its arguments cannot be checked. */
export const callback = z.custom<(...values: never[]) => unknown>((value) => typeof value === 'function', {
  error: 'expected a function',
});

export const signal = z.custom<AbortSignal>((value) => value instanceof AbortSignal, {
  error: 'expected an AbortSignal',
});

export const progress = z.custom<ProgressReporter>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['start', 'note', 'warn'].every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  { error: 'expected an object with the functions start, note and warn' },
);

/** Seed of everything random. */
export const seed = wholeNumber('a whole number', 0, Number.MAX_SAFE_INTEGER);

/** What long work is watched with. */
export const watchSchema = z.strictObject({ progress: progress.optional(), signal: signal.optional() });
