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

/** A value that the library's own schema of the option checks; schemas are loaded when a command runs. */
const checkedBy =
  (read: (text: string) => unknown) =>
  <Value>(load: () => Promise<zod.ZodType<Value | undefined>>): Schema<Value> =>
    parsedText(async (value) => {
      const [{ checkValue }, schema] = await Promise.all([import('../../utils/check-options.js'), load()]);
      return checkValue(schema, read(value)) as Value;
    });

export const text = checkedBy((value) => value);

export const choice = checkedBy((value) => value.trim());

/** What is no number is handed on as it is, for the message. */
export const integer = checkedBy((value) => (/^[+-]?\d+$/.test(value.trim()) ? Number(value) : value));

/** The path of a file. */
export const path = text(async () => (await import('../../utils/option-schemas.js')).path);

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
