import type * as zod from 'zod';
import { MinferenceError } from '../../errors.js';
import type { RawValue, Zod } from './option.js';

/** Schemas of the kinds of values options take. Each is a function of the zod module, which is loaded late. */
type Schema<Value> = (z: Zod) => zod.ZodType<Value, RawValue>;

/**
 * A text turned into a value by a function that throws MinferenceError with an "expected …" message; asynchronous where
 * it has to load what it needs.
 */
export function parsedText<Value>(parse: (text: string) => Value | Promise<Value>): Schema<Value> {
  return (z) =>
    z.string({ error: 'expected a value' }).transform(async (text, context) => {
      try {
        return await parse(text);
      } catch (error) {
        if (!(error instanceof MinferenceError)) throw error;
        context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
        return z.NEVER;
      }
    }) as zod.ZodType<Value, RawValue>;
}

/** A text that is handed on as it is when `check` accepts it; for values that a library parses itself, later. */
export const checkedText = (check: (text: string) => unknown): Schema<string> =>
  parsedText(async (value) => {
    await check(value);
    return value;
  });

/** Any text that is not empty. `what` says what it stands for: 'a folder or a hub id'. */
export const text = (what: string): Schema<string> =>
  parsedText((value) => {
    if (value.trim() === '') throw new MinferenceError('USAGE', `expected ${what}`);
    if (value.includes('\0')) throw new MinferenceError('USAGE', `expected ${what}, found a NUL character`);
    return value;
  });

export const integer = (what: string, min: number, max: number): Schema<number> =>
  parsedText((value) => {
    const number = /^[+-]?\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new MinferenceError('USAGE', `expected ${what} from ${min} to ${max}`);
  });

export const choice = <const Value extends string>(values: readonly Value[]): Schema<Value> =>
  parsedText((value) => {
    const found = values.find((candidate) => candidate === value.trim());
    if (found === undefined) throw new MinferenceError('USAGE', `expected one of ${values.join(', ')}`);
    return found;
  });

/** An option without a value: true when given (or, for '--no-…' flags, unless given). */
export const flag: Schema<boolean> = (z) =>
  z
    .boolean()
    .optional()
    .transform((value) => value ?? false) as zod.ZodType<boolean, RawValue>;

/** The same, absent unless the user gave it. */
export const optional =
  <Value>(schema: Schema<Value>): Schema<Value | undefined> =>
  (z) =>
    schema(z).optional() as zod.ZodType<Value | undefined, RawValue>;
