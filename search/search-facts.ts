import type { AttentionLayer } from '../src/onnx/types.js';
import type { TileGeometry } from '../src/patterns/flops.js';
import { promptTooLong } from '../src/prefill/chat.js';
import type { Decoder } from '../src/prefill/decoder.js';
import { kernelGeometry } from '../src/runtime/native.js';
import { packageVersion } from '../src/utils/package-version.js';
import { type Budget, resolveBudget } from './budget.js';
import { type Candidate, searchSpace } from './candidates.js';
import type { SearchPlan } from './plan-search.js';

/** A plan applied to a model: everything the scores and the choice depend on. */
export interface SearchFacts extends SearchPlan {
  at: { length: number; headDim: number; geometry: TileGeometry };
  cost: Budget;
  candidates: Candidate[];
  layers: readonly AttentionLayer[];
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
  const { contextLength } = decoder.directory.config;
  if (plan.length > contextLength) throw promptTooLong(plan.length, contextLength);
  // One budget serves all layers; where their heads differ in size, the smallest sets it, so that none exceeds it.
  const headDim = Math.min(...decoder.layers.map((layer) => layer.headDim));
  const at = { length: plan.length, headDim, geometry: kernelGeometry(headDim) };
  const cost = resolveBudget(plan.budget, at);
  return {
    ...plan,
    at,
    cost,
    candidates: searchSpace(cost, at),
    layers: decoder.layers,
    model: { id: decoder.directory.id, fingerprint: decoder.fingerprint },
    device: decoder.session.device,
    tool: `minference ${packageVersion()}`,
  };
}

/** The part of the facts that decides what the probe measures: two searches that agree in it may share scores. */
export function probeFacts(facts: SearchFacts): Record<string, unknown> {
  const { at, cost, candidates, model, device, tool, layers } = facts;
  const shapes = layers.map(({ numHeads, numKvHeads, headDim, window }) => [numHeads, numKvHeads, headDim, window]);
  return { at, flops: cost.flops, candidates, fingerprint: model.fingerprint, device, tool, shapes };
}
