import { MinferenceError } from '../src/errors.js';
import type { AttentionLayer } from '../src/onnx/types.js';
import { denseCausalFlops } from '../src/patterns/flops.js';
import type { HeadPattern } from '../src/patterns/head-pattern.js';
import type { HeadEntry } from '../src/patterns/pattern-file.js';
import { formatPercent } from '../src/utils/format.js';
import { chooseCandidate, withinBudget } from './choose.js';
import { type CombinedScore, combineScores, isMeasured, type SampleScores } from './scores.js';
import { type SearchFacts, staysDense } from './search-facts.js';

/** What the choice depends on besides the scores. */
export type ChoiceFacts = Pick<SearchFacts, 'layers' | 'budgets' | 'budgetText' | 'objective' | 'length'>;

/** The chosen heads, [layer][head]. */
export interface Choice {
  heads: HeadEntry[][];
  /** Heads that stay dense because what was measured is no number: activations were NaN or infinite. */
  anomalies: { layer: number; heads: number[] }[];
}

/**
 * Chooses a pattern for every head from the scores of all calibration prompts.
 *
 * @throws {MinferenceError} USAGE when the budget is below the cheapest candidate of some head.
 */
export function chooseHeads(samples: readonly SampleScores[], facts: ChoiceFacts): Choice {
  checkBudget(samples, facts);
  const anomalies: Choice['anomalies'] = [];
  const heads = facts.layers.map((layer, index) => {
    if (staysDense(facts, index)) return Array.from({ length: layer.numHeads }, () => denseHead(layer, facts.length));
    const broken = brokenHeads(samples, index, layer.numHeads);
    if (broken.length > 0) anomalies.push({ layer: layer.layer, heads: broken });
    return Array.from({ length: layer.numHeads }, (_, head) => {
      if (broken.includes(head)) return denseHead(layer, facts.length);
      const scores = headScores(samples, index, head);
      const budgetFlops = facts.budgets[index]!.flops;
      const chosen = scores[chooseCandidate(scores, { objective: facts.objective, budgetFlops })!]!;
      return measuredHead(chosen, layer, facts.length);
    });
  });
  return { heads, anomalies };
}

/** The combined scores of one head, per candidate. */
export const headScores = (samples: readonly SampleScores[], layer: number, head: number): CombinedScore[] =>
  (samples[0]?.[layer]?.[head] ?? []).map((_, candidate) =>
    combineScores(samples.map((sample) => sample[layer]![head]![candidate]!)),
  );

const brokenHeads = (samples: readonly SampleScores[], layer: number, numHeads: number): number[] =>
  Array.from({ length: numHeads }, (_, head) => head).filter((head) =>
    samples.some((sample) => !sample[layer]![head]!.every(isMeasured)),
  );

/** Entry of a head from its scores, which have to be those of the very pattern that is written. */
export function measuredHead(score: CombinedScore, layer: AttentionLayer, length: number): HeadEntry {
  return {
    ...(score.pattern as Exclude<HeadPattern, { type: 'dense' }>),
    recall: rounded(Math.min(1, Math.max(0, score.massRecall))),
    error: rounded(score.errorAll),
    answer_error: rounded(score.errorLast),
    flops: score.flops,
    fraction: rounded(score.flops / denseCausalFlops(length, layer.headDim)),
  };
}

/** A head that computes all it sees: a window, where its layer has one. */
function denseHead(layer: AttentionLayer, length: number): HeadEntry {
  const dense = denseCausalFlops(length, layer.headDim);
  const outside = layer.window === null ? 0 : denseCausalFlops(Math.max(0, length - layer.window), layer.headDim);
  const flops = dense - outside;
  return { type: 'dense', recall: 1, error: 0, answer_error: 0, flops, fraction: rounded(flops / dense) };
}

/** Says what all heads need at once, not head by head. */
function checkBudget(samples: readonly SampleScores[], facts: ChoiceFacts): void {
  const needed = facts.layers.flatMap((layer, index) => {
    if (staysDense(facts, index)) return [];
    const broken = brokenHeads(samples, index, layer.numHeads);
    return Array.from({ length: layer.numHeads }, (_, head) => {
      const scores = broken.includes(head) ? [] : headScores(samples, index, head);
      const cheapest = Math.min(...scores.map(({ flops }) => flops));
      const fits = scores.length === 0 || scores.some((score) => withinBudget(score, facts.budgets[index]!.flops));
      return {
        name: `layer ${layer.layer} head ${head}`,
        fits,
        share: cheapest / denseCausalFlops(facts.length, layer.headDim),
      };
    });
  });
  const failing = needed.filter(({ fits }) => !fits);
  if (failing.length === 0) return;
  const dearest = failing.reduce((most, head) => (head.share > most.share ? head : most));
  throw new MinferenceError(
    'USAGE',
    `expected a budget that a sparse pattern can meet in every head, found ${facts.budgetText}: the cheapest one of ` +
      `${dearest.name} costs ${formatPercent(dearest.share)} of dense at ${facts.length} tokens`,
    { hint: `give --budget ${Math.ceil(dearest.share * 100)}% or more, or a longer --length` },
  );
}

/** Six digits: what float32 scores hold. */
const rounded = (value: number) => Number(value.toPrecision(6));
