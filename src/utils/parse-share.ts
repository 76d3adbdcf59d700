import { MinferenceError } from '../errors.js';

const SHARE = /^(\d+(?:\.\d*)?|\.\d+)\s*(%)?$/;

/**
 * Reads `10%` and `0.1`; undefined for what is written in another way.
 *
 * @param what is expected, for the message: 'a share above 0 and up to 100 %'
 * @throws {MinferenceError} USAGE for a number that is no share
 */
export function readShare(text: string, what: string): number | undefined {
  const [, number, percent] = SHARE.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const share = Number(number) / (percent ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  const meant = !percent && share > 1 && share <= 100 ? `; ${text.trim()}% would be a share` : '';
  throw new MinferenceError('USAGE', `expected ${what}, found "${text}"${meant}`);
}

/**
 * Reads a share of something: `10%`, `0.1`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseShare(text: string): number {
  const what = 'a share above 0 and up to 100 %';
  const share = readShare(text, what);
  if (share === undefined) throw new MinferenceError('USAGE', `expected ${what}, found "${text}"`);
  return share;
}
