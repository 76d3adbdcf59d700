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
  /** Sizes after fitting. */
  a: number;
  b: number;
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
  a: number;
  b: number;
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
    a: Math.min(...scores.map(({ a }) => a)),
    b: Math.min(...scores.map(({ b }) => b)),
  };
}
