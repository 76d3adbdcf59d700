import { quantile as quantileOfNumbers } from 'd3-array';

/** Mean of numbers; NaN of none. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Value below which a share of the numbers lies, interpolated between neighbours (type 7 of Hyndman and Fan, as R and
 * NumPy do); NaN of none, and where one of them is NaN.
 */
export const quantile = (values: readonly number[], share: number): number =>
  values.some(Number.isNaN) ? Number.NaN : (quantileOfNumbers(values, share) ?? Number.NaN);

/** The middle one, or the mean of the middle two; NaN as with {@link quantile}. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);
