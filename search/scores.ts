import { decodeHeadPattern, encodeHeadPattern, type HeadPattern } from '../src/patterns/head-pattern.js';

/** What AttentionProbe measured for one candidate of one head on one calibration prompt. */
export interface CandidateScore {
  /** ‖O_sparse − O_dense‖_F / ‖O_dense‖_F over all rows. */
  errorAll: number;
  /** The same over the last 64 rows. */
  errorLast: number;
  /** Mean over rows of exp(lse_sparse − lse_dense). */
  massRecall: number;
  /** Attention tiles and building the index, counted on the built index. */
  flops: number;
  /** With the sizes after fitting. */
  pattern: HeadPattern;
}

/** Scores of one calibration prompt: [layer][head][candidate]. */
export type SampleScores = CandidateScore[][][];

/** One candidate of one head over all calibration prompts. */
export interface CombinedScore {
  errorAll: number;
  errorLast: number;
  massRecall: number;
  /** The largest over the prompts: a budget is kept on each of them. */
  flops: number;
  /** The smallest over the prompts, for the same reason. */
  pattern: HeadPattern;
}

/**
 * Combines one candidate's scores: errors and recall are means. Prompts lead to different fitted sizes, of which the
 * smallest is taken: with it the candidate meets the budget on every one of them.
 */
export function combineScores(scores: readonly CandidateScore[]): CombinedScore {
  const mean = (field: 'errorAll' | 'errorLast' | 'massRecall') =>
    scores.reduce((sum, score) => sum + score[field], 0) / scores.length;
  return {
    errorAll: mean('errorAll'),
    errorLast: mean('errorLast'),
    massRecall: mean('massRecall'),
    flops: Math.max(...scores.map(({ flops }) => flops)),
    pattern: scores.map(({ pattern }) => pattern).reduce(smaller),
  };
}

/** Size by size the smaller one of two patterns of a type. */
function smaller(one: HeadPattern, other: HeadPattern): HeadPattern {
  const [kind, a, b] = encodeHeadPattern(one);
  const [, otherA, otherB] = encodeHeadPattern(other);
  return decodeHeadPattern(kind, Math.min(a, otherA), Math.min(b, otherB));
}

/** Whether everything measured is a number: activations that overflow make none. */
export const isMeasured = ({ errorAll, errorLast, massRecall, flops }: Omit<CandidateScore, 'pattern'>): boolean =>
  [errorAll, errorLast, massRecall, flops].every(Number.isFinite);
