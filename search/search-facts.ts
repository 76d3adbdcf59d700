import { MinferenceError } from '../src/errors.js';
import type { AttentionLayer, ModelLayers } from '../src/onnx/types.js';
import type { TileGeometry } from '../src/patterns/flops.js';
import type { Decoder } from '../src/prefill/decoder.js';
import { kernelGeometry } from '../src/runtime/native.js';
import { defined } from '../src/utils/defined.js';
import { packageVersion } from '../src/utils/package-version.js';
import { type Budget, resolveBudget } from './budget.js';
import { type Candidate, searchSpace } from './candidates.js';
import { DEFAULT_LENGTH, type SearchPlan } from './plan-search.js';

/** A plan applied to a model: everything the scores and the choice depend on. */
export interface SearchFacts extends Omit<SearchPlan, 'length'>, Readonly<ModelLayers> {
  length: number;
  /** Tiles in which the costs of the tightest layer are counted. */
  geometry: TileGeometry;
  /** What a head may cost, layer by layer: heads of different sizes differ in what a share of dense is. */
  budgets: readonly Budget[];
  /** The layer with the least keys a row, for which the candidates are scaled and the budget is explained. */
  tightest: number;
  candidates: Candidate[];
  /** Which tables of angles prompts of this length see; absent where there is one for all lengths. */
  angles?: 'short' | 'long';
  model: { id: string; fingerprint: string };
  device: string;
  tool: string;
}

/**
 * Applies a plan to an open model.
 *
 * @throws {MinferenceError} PROMPT_TOO_LONG when the model has fewer positions than the prompts are to have.
 */
export function searchFacts(decoder: Decoder, plan: SearchPlan): SearchFacts {
  const { layers } = decoder;
  const length = searchLength(plan, decoder.directory.config.contextLength);
  const geometryOf = ({ headDim }: AttentionLayer) =>
    kernelGeometry(headDim, decoder.session.device, decoder.session.deviceId);
  const budgets = layers.map((layer) =>
    resolveBudget(plan.budget, { length, headDim: layer.headDim, geometry: geometryOf(layer) }),
  );
  const fractions = budgets.map(({ fraction }) => fraction);
  const tightest = fractions.indexOf(Math.min(...fractions));
  const { headDim } = layers[tightest]!;
  const geometry = geometryOf(layers[tightest]!);
  return {
    ...plan,
    length,
    geometry,
    layers,
    leftAlone: decoder.leftAlone,
    numLayers: decoder.numLayers,
    budgets,
    tightest,
    ...defined({ angles: anglesAt(decoder.tableSwitch, length) }),
    candidates: searchSpace(budgets[tightest]!, { length, headDim, geometry }),
    model: { id: decoder.directory.id, fingerprint: decoder.fingerprint },
    device: decoder.session.device,
    tool: `minference ${packageVersion()}`,
  };
}

const anglesAt = (tableSwitch: number | null, length: number) =>
  tableSwitch === null ? undefined : length > tableSwitch ? ('long' as const) : ('short' as const);

function searchLength({ length }: SearchPlan, contextLength: number): number {
  if (length === undefined) return Math.min(DEFAULT_LENGTH, contextLength);
  if (length <= contextLength) return length;
  throw new MinferenceError(
    'PROMPT_TOO_LONG',
    `expected a length of at most ${contextLength} tokens (the model's positions), found ${length}`,
    { hint: `give --length ${contextLength} or less` },
  );
}

/** The part of the facts that decides what the probe measures: two searches that agree in it may share scores. */
export function probeFacts(facts: SearchFacts): Record<string, unknown> {
  const { length, geometry, budgets, candidates, model, device, tool, layers } = facts;
  const shapes = layers.map(({ layer, numHeads, numKvHeads, headDim, window }) => [
    layer,
    numHeads,
    numKvHeads,
    headDim,
    window,
  ]);
  return { length, geometry, budgets, candidates, fingerprint: model.fingerprint, device, tool, shapes };
}

/** Heads that stay dense without being measured: the budget allows it, or the layer never leaves a shorter window. */
export const staysDense = (
  { layers, budgets, length }: Pick<SearchFacts, 'layers' | 'budgets' | 'length'>,
  layer: number,
) => {
  return budgets[layer]!.fraction >= 1 || isWindowed(layers[layer]!, length);
};

/** Whether a layer sees less than the prompts through its own window. */
export const isWindowed = ({ window }: AttentionLayer, length: number): boolean => window !== null && window < length;
