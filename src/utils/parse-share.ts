import { MinferenceError } from '../errors.js';

/**
 * Reads a share of something: `10%`, `0.1`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseShare(text: string): number {
  const [, number, percent] = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%)?\s*$/.exec(text) ?? [];
  const share = Number(number) / (percent ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  const meant = share > 1 && share <= 100 ? `; ${text.trim()}% would be one` : '';
  throw new MinferenceError('USAGE', `expected a share above 0 and up to 100 %, found "${text}"${meant}`);
}
