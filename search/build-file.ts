import { MinferenceError } from '../src/errors.js';
import type { AttentionLayer } from '../src/onnx/types.js';
import { denseCausalFlops } from '../src/patterns/flops.js';
import type { HeadEntry, Objective, PatternFile, SearchProvenance } from '../src/patterns/pattern-file.js';
import { PATTERN_SCHEMA } from '../src/patterns/pattern-file.js';
import { formatPercent } from '../src/utils/format.js';
import type { Budget } from './budget.js';
import type { Candidate } from './candidates.js';
import { chooseCandidate } from './choose.js';
import { type CombinedScore, combineScores, type SampleScores } from './scores.js';

/** What the choice depends on besides the scores. */
export interface ChooseOptions {
  layers: readonly AttentionLayer[];
  candidates: readonly Candidate[];
  /** What a head may cost. */
  cost: Budget;
  objective: Objective;
  /** Tokens of the calibration prompts. */
  length: number;
}

/**
 * Chooses a pattern for every head from the scores of all calibration prompts.
 *
 * @throws {MinferenceError} USAGE when the budget is below the cheapest candidate of some head.
 */
export function chooseHeads(samples: readonly SampleScores[], options: ChooseOptions): HeadEntry[][] {
  return options.layers.map((layer, index) =>
    Array.from({ length: layer.numHeads }, (_, head) => {
      if (staysDense(layer, options)) return denseHead(layer, options.length);
      const scores = headScores(samples, index, head, options.candidates.length);
      return chooseHead(scores, `layer ${index} head ${head}`, layer, options);
    }),
  );
}

/** The combined scores of one head, per candidate. */
export const headScores = (samples: readonly SampleScores[], layer: number, head: number, candidates: number) =>
  Array.from({ length: candidates }, (_, candidate) =>
    combineScores(samples.map((sample) => sample[layer]![head]![candidate]!)),
  );

/**
 * Heads that stay dense: the budget allows it, or the layer attends only to a window, which the kernel never leaves
 * anyway.
 */
export const staysDense = (layer: AttentionLayer, { cost, length }: ChooseOptions) =>
  cost.fraction >= 1 || (layer.window !== null && layer.window < length);

function denseHead(layer: AttentionLayer, length: number): HeadEntry {
  const dense = denseCausalFlops(length, layer.headDim);
  const outside = layer.window === null ? 0 : denseCausalFlops(Math.max(0, length - layer.window), layer.headDim);
  const flops = dense - outside;
  return { type: 'dense', recall: 1, error: 0, answer_error: 0, flops, fraction: rounded(flops / dense) };
}

function chooseHead(
  scores: readonly CombinedScore[],
  name: string,
  layer: AttentionLayer,
  { candidates, cost, objective, length }: ChooseOptions,
): HeadEntry {
  const dense = denseCausalFlops(length, layer.headDim);
  const index = chooseCandidate(scores, { objective, budgetFlops: cost.flops });
  if (index === undefined) {
    const cheapest = Math.min(...scores.map(({ flops }) => flops)) / dense;
    throw new MinferenceError(
      'USAGE',
      `expected a budget that a sparse pattern can meet, found ${cost.spec}: the cheapest one of ${name} costs ` +
        `${formatPercent(cheapest)} of dense at ${length} tokens`,
      { hint: `give --budget ${Math.ceil(cheapest * 100)}% or more, or a longer --length` },
    );
  }
  const score = scores[index]!;
  return {
    ...sizes(candidates[index]!, score),
    recall: rounded(Math.min(1, Math.max(0, score.massRecall))),
    error: rounded(score.errorAll),
    answer_error: rounded(score.errorLast),
    flops: score.flops,
    fraction: rounded(score.flops / dense),
  };
}

function sizes(candidate: Candidate, { a, b }: CombinedScore): HeadEntry {
  switch (candidate.type) {
    case 'a_shape':
      return { type: 'a_shape', sink: a, window: b };
    case 'vertical_slash':
      return { type: 'vertical_slash', vertical: a, slash: b };
    case 'block_sparse':
      return { type: 'block_sparse', blocks: a };
  }
}

/** Six digits: what float32 scores hold. */
const rounded = (value: number) => Number(value.toPrecision(6));

/** Puts chosen heads, shapes and provenance together. */
export function buildPatternFile(options: {
  model: { id: string; fingerprint: string };
  layers: readonly AttentionLayer[];
  heads: HeadEntry[][];
  search: SearchProvenance;
}): PatternFile {
  const { layers } = options;
  const shape = (values: number[]) => (values.every((value) => value === values[0]) ? values[0]! : values);
  return {
    schema: PATTERN_SCHEMA,
    model: {
      ...options.model,
      num_layers: layers.length,
      num_heads: shape(layers.map(({ numHeads }) => numHeads)),
      num_kv_heads: shape(layers.map(({ numKvHeads }) => numKvHeads)),
      head_dim: shape(layers.map(({ headDim }) => headDim)),
    },
    search: options.search,
    layers: options.heads.map((heads) => ({ heads })),
  };
}
