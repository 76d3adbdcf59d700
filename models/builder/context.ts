import type { GraphWriter } from './graph-writer.js';
import type { ResolvedSpec } from './spec.js';
import type { WeightSource } from './weights.js';

/** What every part of a style needs. */
export interface BuildContext {
  spec: ResolvedSpec;
  weights: WeightSource;
  graph: GraphWriter;
}
