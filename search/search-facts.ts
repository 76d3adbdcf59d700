import { MinferenceError } from '../src/errors.js';
import type { ModelLayers } from '../src/onnx/types.js';
import type { TileGeometry } from '../src/patterns/flops.js';
import type { Decoder } from '../src/prefill/decoder.js';
import { kernelGeometry } from '../src/runtime/native.js';
import { packageVersion } from '../src/utils/package-version.js';
import { type Budget, resolveBudget } from './budget.js';
import { type Candidate, searchSpace } from './candidates.js';
import { DEFAULT_LENGTH, type SearchPlan } from './plan-search.js';

/** A plan applied to a model: everything the scores and the choice depend on. */
export interface SearchFacts extends Omit<SearchPlan, 'length'>, Readonly<ModelLayers> {
  length: number;
  at: { length: number; headDim: number; geometry: TileGeometry };
  cost: Budget;
  candidates: Candidate[];
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
  const length = searchLength(plan, decoder.directory.config.contextLength);
  // One budget serves all layers; where their heads differ in size, the smallest sets it, so that none exceeds it.
  const headDim = Math.min(...decoder.layers.map((layer) => layer.headDim));
  const at = { length, headDim, geometry: kernelGeometry(headDim, decoder.session.device, decoder.session.deviceId) };
  const cost = resolveBudget(plan.budget, at);
  return {
    ...plan,
    length,
    at,
    cost,
    candidates: searchSpace(cost, at),
    layers: decoder.layers,
    leftAlone: decoder.leftAlone,
    numLayers: decoder.numLayers,
    model: { id: decoder.directory.id, fingerprint: decoder.fingerprint },
    device: decoder.session.device,
    tool: `minference ${packageVersion()}`,
  };
}

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
  const { at, cost, candidates, model, device, tool, layers } = facts;
  const shapes = layers.map(({ layer, numHeads, numKvHeads, headDim, window }) => [
    layer,
    numHeads,
    numKvHeads,
    headDim,
    window,
  ]);
  return { at, flops: cost.flops, candidates, fingerprint: model.fingerprint, device, tool, shapes };
}
