/** The lengths of a list that a model has positions for; one that has fewer than the shortest is used whole. */
export function fittingLengths(lengths: readonly number[], contextLength: number): number[] {
  const fitting = lengths.filter((length) => length <= contextLength);
  return fitting.length > 0 ? fitting : [contextLength];
}

/** Each once, from short to long. */
export const ascending = (lengths: readonly number[]): number[] => [...new Set(lengths)].sort((a, b) => a - b);
