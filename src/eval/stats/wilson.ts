import { Z95 as Z } from './normal.js';

/**
 * Wilson's 95 % interval of a mean of `n` scores that lie between 0 and 1. For scores of 0 and 1 it is the binomial
 * interval; scores in between vary less than those, so that for them the interval is wide enough all the same. Unlike a
 * bootstrap it does not collapse where all answers are right.
 */
export function wilsonInterval(mean: number, n: number): [low: number, high: number] {
  if (n === 0) return [0, 1];
  const z2 = (Z * Z) / n;
  const middle = (mean + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((mean * (1 - mean)) / n + z2 / (4 * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
