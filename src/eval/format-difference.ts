import type { ResultRow } from './harness/results.js';

/** Behind a difference that chance may have made. */
export const NOISE = '≈';

type Difference = Pick<ResultRow, 'difference' | 'difference_low' | 'difference_high'>;

/** Points with their sign: '+6.7', '−0.3', '±0.0'. */
export const formatPoints = (points: number): string =>
  `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(1)}`;

/** True where the 95 % interval of the paired difference holds 0. */
export const isNoise = ({ difference_low: low, difference_high: high }: Difference): boolean =>
  low !== null && low <= 0 && high! >= 0;
