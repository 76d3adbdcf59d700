import { MinferenceError } from '../../errors.js';
import { defined } from '../../utils/defined.js';
import { type OptionSpec, type OptionSpecs, type OptionValues, optionName, type RawValue } from './option.js';

/** The longest value an error message repeats. */
const MAX_SHOWN = 60;

function show(value: RawValue): string {
  if (value === undefined) return 'none';
  const text = String(value);
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

interface Issue {
  message: string;
  params?: Record<string, unknown>;
}

function usageError(spec: OptionSpec, found: RawValue, { message, params }: Issue): MinferenceError {
  const problem = message.includes(', found ') ? message : `${message}, found ${show(found)}`;
  const hint = defined({ hint: typeof params?.hint === 'string' ? params.hint : undefined });
  return new MinferenceError('USAGE', `${optionName(spec.flags)}: ${problem}; e.g. ${spec.example}`, hint);
}

/**
 * Checks what commander collected against the options' schemas.
 *
 * @throws {MinferenceError} USAGE naming the first wrong option, what was expected, what was found, and an example.
 */
export async function parseOptions<Specs extends OptionSpecs>(
  specs: Specs,
  raw: Record<string, RawValue>,
): Promise<OptionValues<Specs>> {
  const z = await import('zod');
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const value = raw[key] ?? spec.default;
    const result = await spec.schema(z).safeParseAsync(value);
    if (!result.success) throw usageError(spec, value, result.error.issues[0] as Issue);
    values[key] = result.data;
  }
  return values as OptionValues<Specs>;
}
