import { mean } from '../../utils/statistics.js';
import { Z95 } from './normal.js';

/** From here on Student's distribution is the normal one for every purpose. */
const MANY = 2000;
const LEVEL = 0.95;

/**
 * 95 % interval of the mean of independent differences (Student's, of pairs); null for fewer than two, of which nothing
 * says how far they scatter.
 */
export function studentInterval(differences: readonly number[]): [low: number, high: number] | null {
  const n = differences.length;
  if (n < 2) return null;
  const middle = mean(differences);
  const variance = differences.reduce((sum, difference) => sum + (difference - middle) ** 2, 0) / (n - 1);
  const half = studentQuantile(n - 1) * Math.sqrt(variance / n);
  return [middle - half, middle + half];
}

/** 97.5 % quantile of Student's distribution: two-sided 95 %. */
export function studentQuantile(degrees: number): number {
  if (degrees > MANY) return Z95;
  // 12.7 for one degree of freedom is the largest.
  let [low, high] = [0, 13];
  while (high - low > 1e-10) {
    const middle = (low + high) / 2;
    if (probabilityWithin(middle, degrees) < LEVEL) low = middle;
    else high = middle;
  }
  return high;
}

/** P(|T| ≤ t) for whole degrees of freedom, by the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4. */
function probabilityWithin(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sin, cos2] = [Math.sin(angle), Math.cos(angle) ** 2];
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? Math.cos(angle) : 1;
  let sum = 0;
  for (let k = isOdd ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= (cos2 * (k + 1)) / (k + 2);
  }
  return isOdd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum;
}
