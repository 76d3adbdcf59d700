import { MinferenceError } from '../errors.js';

/** More tokens than any model has positions; a larger number is a slip of the keyboard. */
export const MAX_TOKEN_COUNT = 2 ** 30;
/** More entries than any table of results could show. */
export const MAX_LIST_LENGTH = 64;

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 * 1024 };
const PLAIN = /^(\d+(?:\.\d+)?)([km]?)$/i;
const GROUPED = /^\d{1,3}(?:[,_]\d{3})+$/;

const badCount = (text: string) =>
  new MinferenceError('USAGE', `expected a number of tokens such as 8192, 8k (8,192) or 1m, found "${text}"`);

/**
 * A number of tokens: '8k' = 8192, '1m' = 1048576, '1.5k' = 1536, '2,048' and '2_048' = 2048.
 *
 * @throws {MinferenceError} USAGE when it is not a whole number from 1 to {@link MAX_TOKEN_COUNT}.
 */
export function parseTokenCount(text: string): number {
  const trimmed = text.trim();
  const match = PLAIN.exec(GROUPED.test(trimmed) ? trimmed.replace(/[,_]/g, '') : trimmed);
  if (!match) throw badCount(text);
  const count = Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  if (!Number.isInteger(count) || count < 1) throw badCount(text);
  if (count > MAX_TOKEN_COUNT) {
    throw new MinferenceError('USAGE', `expected at most ${MAX_TOKEN_COUNT} tokens, found "${text}"`);
  }
  return count;
}

/**
 * A list of token counts separated by commas or spaces: '2k,4k' = [2048, 4096]. Sorted, each once. A comma always
 * separates here, so '2,048' is refused instead of being read as 2 and 48.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseTokenCounts(text: string): number[] {
  const parts = text.split(/[,\s]+/).filter((part) => part !== '');
  if (parts.length === 0) throw badCount(text);
  if (parts.length > MAX_LIST_LENGTH) {
    throw new MinferenceError('USAGE', `expected at most ${MAX_LIST_LENGTH} entries, found ${parts.length}`);
  }
  const counts = parts.map((part) => {
    if (/^0\d/.test(part)) {
      throw new MinferenceError('USAGE', `expected a list such as 2k,4k, found "${text}": a comma separates entries`);
    }
    return parseTokenCount(part);
  });
  return [...new Set(counts)].sort((a, b) => a - b);
}

/** The shortest exact spelling {@link parseTokenCount} reads back: 8192 → '8k', 1000 → '1000'. */
export function formatTokenCount(count: number): string {
  if (count >= UNITS.m! && count % UNITS.m! === 0) return `${count / UNITS.m!}m`;
  return count >= UNITS.k! && count % UNITS.k! === 0 ? `${count / UNITS.k!}k` : String(count);
}
