import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import { keptTokens } from '../../prefill/options.js';
import { checkValue } from '../../utils/check-options.js';
import { parseTokenCount } from '../../utils/parse-size.js';

/** What decoding sees of the prompt's keys and values, where that is not all. */
export const kvSchema = z.strictObject({
  method: z.literal('snapkv'),
  capacity: keptTokens.describe('tokens of the prompt that are kept per head'),
});
export type KvChoice = z.infer<typeof kvSchema>;

/** As MInference combines them. */
const DEFAULT_CAPACITY = 4096;

/**
 * Reads `snapkv` and `snapkv:2k`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseKv(text: string): KvChoice {
  const match = /^\s*snapkv(?::(.+))?\s*$/.exec(text);
  if (!match) {
    throw new MinferenceError('USAGE', `expected snapkv or snapkv:<tokens>, found "${text}"`, {
      hint: `such as snapkv:2k; snapkv alone keeps ${DEFAULT_CAPACITY} tokens per head`,
    });
  }
  const tokens = match[1] === undefined ? DEFAULT_CAPACITY : parseTokenCount(match[1]);
  return { method: 'snapkv', capacity: checkValue(keptTokens, tokens) };
}

/** `snapkv:4096`, as the option takes it. */
export const formatKv = ({ method, capacity }: KvChoice): string => `${method}:${capacity}`;
