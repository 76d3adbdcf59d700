import { MinferenceError } from '../../errors.js';

export const MAX_DEPTHS = 100;

/**
 * Depths in percent of the haystack: `5` spreads five evenly from its start to its end, `0,25,50` and `50%` name them.
 *
 * @returns sorted, each once, with two decimals at most
 * @throws {MinferenceError} USAGE
 */
export function parseDepths(depths: number | string | readonly number[]): number[] {
  if (typeof depths === 'number') return spread(depths);
  if (typeof depths !== 'string') return checked(depths, depths.join(','));
  if (/^\s*\d+\s*$/.test(depths)) return spread(Number(depths));
  const parts = depths.split(/[,\s]+/).filter((part) => part !== '');
  return checked(
    parts.map((part) => Number(/^\d+(\.\d+)?%?$/.test(part) ? part.replace('%', '') : Number.NaN)),
    depths,
  );
}

function spread(count: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > MAX_DEPTHS) throw bad(String(count));
  if (count === 1) return [50];
  return Array.from({ length: count }, (_, index) => rounded((index * 100) / (count - 1)));
}

function checked(depths: readonly number[], found: string): number[] {
  const valid = depths.every((depth) => depth >= 0 && depth <= 100);
  if (!valid || depths.length === 0 || depths.length > MAX_DEPTHS) throw bad(found);
  return [...new Set(depths.map(rounded))].sort((a, b) => a - b);
}

const rounded = (depth: number) => Math.round(depth * 100) / 100;

const bad = (found: string) =>
  new MinferenceError(
    'USAGE',
    `expected a number of depths from 1 to ${MAX_DEPTHS}, or a list in percent, found ${found}`,
    {
      hint: 'for example 5, or 0,25,50,75,100, or 50%',
    },
  );
