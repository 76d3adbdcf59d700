import type { HeadEntry } from '../src/patterns/pattern-file.js';
import { type ChooseOptions, headScores, staysDense } from './build-file.js';
import { chooseCandidate } from './choose.js';
import type { SampleScores } from './scores.js';

/** How far calibration prompts agree, and how good the choice is over the heads. */
export interface Stability {
  /** Prompts that were compared. */
  samples: number;
  /**
   * Per layer and head: share of the prompts that, searched alone, choose the same pattern type as all together. Null
   * for a single prompt, which cannot disagree.
   */
  typeAgreement: number[][] | null;
  /** Mean of `typeAgreement`. */
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

/** Quantiles by linear interpolation between neighbours; all NaN for an empty list. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const position = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
    if (low === undefined || high === undefined) return Number.NaN;
    return low + (high - low) * (position - Math.floor(position));
  };
  return { min: at(0), p10: at(0.1), median: at(0.5), p90: at(0.9), max: at(1) };
}

/** Compares the choice of all prompts with what each alone would have chosen. */
export function measureStability(
  heads: readonly (readonly HeadEntry[])[],
  samples: readonly SampleScores[],
  options: ChooseOptions,
): Stability {
  const budget = { objective: options.objective, budgetFlops: options.cost.flops };
  const typeAgreement = heads.map((entries, layer) =>
    entries.map((entry, head) => {
      if (staysDense(options.layers[layer]!, options)) return 1;
      const same = samples.filter((sample) => {
        const index = chooseCandidate(headScores([sample], layer, head, options.candidates.length), budget);
        return index !== undefined && options.candidates[index]!.type === entry.type;
      });
      return same.length / samples.length;
    }),
  );
  const all = heads.flat();
  const agreements = typeAgreement.flat();
  return {
    samples: samples.length,
    typeAgreement: samples.length > 1 ? typeAgreement : null,
    meanTypeAgreement:
      samples.length > 1 ? agreements.reduce((sum, value) => sum + value, 0) / agreements.length : null,
    recall: quantiles(all.map(({ recall }) => recall!)),
    answerError: quantiles(all.map(({ answer_error }) => answer_error!)),
  };
}
