import { Z95 } from './normal.js';

/**
 * 95 % interval of the mean of paired differences between -1 and 1. As Agresti and Min (Statistics in Medicine 24, 2005)
 * do for two proportions of the same subjects, half a pair is added in each of the four cells — two pairs, of which
 * half a one is better and half a one worse —, so that it does not collapse where no pair differs.
 */
export function pairedInterval(differences: readonly number[]): [low: number, high: number] {
  const n = differences.length + 2;
  const sum = differences.reduce((total, difference) => total + difference, 0);
  const squares = differences.reduce((total, difference) => total + difference ** 2, 1);
  const mean = sum / n;
  const half = Z95 * Math.sqrt((squares / n - mean ** 2) / n);
  return [Math.max(-1, mean - half), Math.min(1, mean + half)];
}
