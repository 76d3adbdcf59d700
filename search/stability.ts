import type { HeadEntry } from '../src/patterns/pattern-file.js';
import { mean, quantile } from '../src/utils/statistics.js';
import { chooseCandidate } from './choose.js';
import { type ChoiceFacts, headScores } from './choose-heads.js';
import type { SampleScores } from './scores.js';
import { staysDense } from './search-facts.js';

/** How far calibration prompts agree, and how good the choice is over the heads. */
export interface Stability {
  /** Prompts that were compared. */
  samples: number;
  /**
   * Per layer and head: share of the prompts that, searched alone, choose the same pattern type as all together; null
   * for a head that was not chosen for. Null for a single prompt, which cannot disagree.
   */
  typeAgreement: (number | null)[][] | null;
  /** Mean of `typeAgreement` over the heads that were chosen for. */
  meanTypeAgreement: number | null;
  /** Quantiles over heads of the chosen patterns' mass recall. */
  recall: Quantiles;
  /** Quantiles over heads of the chosen patterns' error over the last 64 rows. */
  answerError: Quantiles;
}

export interface Quantiles {
  min: number;
  p10: number;
  median: number;
  p90: number;
  max: number;
}

/** Interpolated between neighbours; all NaN for an empty list. */
export function quantiles(values: readonly number[]): Quantiles {
  const at = (share: number) => quantile(values, share);
  return { min: at(0), p10: at(0.1), median: at(0.5), p90: at(0.9), max: at(1) };
}

/** Compares the choice of all prompts with what each alone would have chosen. */
export function measureStability(
  heads: readonly (readonly HeadEntry[])[],
  samples: readonly SampleScores[],
  facts: ChoiceFacts,
): Stability {
  const typeAgreement = heads.map((entries, layer) =>
    entries.map((entry, head) => {
      if (staysDense(facts, layer) || entry.type === 'dense') return null;
      const budget = { objective: facts.objective, budgetFlops: facts.budgets[layer]!.flops };
      const same = samples.filter((sample) => {
        const scores = headScores([sample], layer, head);
        const index = chooseCandidate(scores, budget);
        return index !== undefined && scores[index]!.pattern.type === entry.type;
      });
      return same.length / samples.length;
    }),
  );
  const chosen = heads.flat().filter(({ type }) => type !== 'dense');
  const agreements = typeAgreement.flat().filter((share) => share !== null);
  const compared = samples.length > 1;
  return {
    samples: samples.length,
    typeAgreement: compared ? typeAgreement : null,
    meanTypeAgreement: compared && agreements.length > 0 ? mean(agreements) : null,
    recall: quantiles(chosen.map(({ recall }) => recall!)),
    answerError: quantiles(chosen.map(({ answer_error }) => answer_error!)),
  };
}
