import type { Objective } from '../src/patterns/pattern-file.js';
import { LOSS } from './objective.js';
import type { CombinedScore } from './scores.js';

/** The ops report FLOPs as float32; a candidate that meets the budget exactly must not fail by its rounding. */
const BUDGET_TOLERANCE = 1e-6;

/** True when a candidate stays within the budget on every calibration prompt. */
export const withinBudget = (score: CombinedScore, budgetFlops: number): boolean =>
  score.flops <= budgetFlops * (1 + BUDGET_TOLERANCE);

/**
 * Index of the candidate that one head gets: the least loss among those within the budget; equal losses go to the
 * cheaper one, then to the first. Undefined when all cost more than the budget.
 */
export function chooseCandidate(
  scores: readonly CombinedScore[],
  options: { objective: Objective; budgetFlops: number },
): number | undefined {
  const loss = LOSS[options.objective];
  let best: number | undefined;
  for (const [index, score] of scores.entries()) {
    if (!withinBudget(score, options.budgetFlops)) continue;
    const champion = best === undefined ? undefined : scores[best]!;
    if (champion === undefined || isBetter(score, champion, loss)) best = index;
  }
  return best;
}

function isBetter(score: CombinedScore, than: CombinedScore, loss: (score: CombinedScore) => number): boolean {
  const [left, right] = [loss(score), loss(than)];
  return left < right || (left === right && score.flops < than.flops);
}
