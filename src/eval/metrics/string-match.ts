import { postProcess } from './post-process.js';

/**
 * RULER's scores of one answer, from 0 to 1. A reference counts when the answer contains it, in whatever case.
 * `string_match_all`: the share of the references; `string_match_part`: 1 when there is any.
 */
export const METRICS = {
  string_match_all: (prediction: string, references: readonly string[]): number =>
    matches(prediction, references).filter(Boolean).length / references.length,
  string_match_part: (prediction: string, references: readonly string[]): number =>
    matches(prediction, references).some(Boolean) ? 1 : 0,
} as const;

export type MetricName = keyof typeof METRICS;

function matches(prediction: string, references: readonly string[]): boolean[] {
  const answer = postProcess(prediction).toLowerCase();
  return references.map((reference) => answer.includes(reference.toLowerCase()));
}
