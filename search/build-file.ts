import { MinferenceError } from '../src/errors.js';
import type { AttentionLayer, ModelLayers } from '../src/onnx/types.js';
import { denseCausalFlops } from '../src/patterns/flops.js';
import type { HeadEntry, Objective, PatternFile, SearchProvenance } from '../src/patterns/pattern-file.js';
import { type LayerEntry, PATTERN_SCHEMA, packShape } from '../src/patterns/pattern-file.js';
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
      return chooseHead(scores, `layer ${layer.layer} head ${head}`, layer, options);
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
  cost.fraction >= 1 || isWindowed(layer, length);

const isWindowed = ({ window }: AttentionLayer, length: number): boolean => window !== null && window < length;

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

/** Puts chosen heads (of the layers that can be sparse), shapes and provenance together, by the model's layers. */
export function buildPatternFile(
  options: Readonly<ModelLayers> & {
    model: { id: string; fingerprint: string };
    heads: HeadEntry[][];
    search: SearchProvenance;
  },
): PatternFile {
  const { layers, leftAlone, numLayers, search } = options;
  const placed = new Map<number, LayerEntry>();
  for (const { layer, numHeads, reason } of leftAlone) {
    placed.set(layer, { left_alone: reason, heads: Array.from({ length: numHeads }, () => ({ type: 'dense' })) });
  }
  for (const [index, layer] of layers.entries()) {
    const window = isWindowed(layer, search.length) ? { window: layer.window! } : {};
    placed.set(layer.layer, { ...window, heads: options.heads[index]! });
  }
  const entries = Array.from({ length: numLayers }, (_, layer) => placed.get(layer)!);
  const ours = new Map(layers.map((layer) => [layer.layer, layer]));
  // Layers that stay as they are have no sizes that anybody needs.
  const shape = (field: 'numKvHeads' | 'headDim') =>
    packShape(entries.map((_, layer) => ours.get(layer)?.[field] ?? 0));
  return {
    schema: PATTERN_SCHEMA,
    model: {
      ...options.model,
      num_layers: numLayers,
      num_heads: packShape(entries.map(({ heads }) => heads.length)),
      num_kv_heads: shape('numKvHeads'),
      head_dim: shape('headDim'),
    },
    search,
    layers: entries,
  };
}
