import type { ModelConfig } from '../model/config.js';
import type { GraphFacts } from '../onnx/rewrite/rewrite-model.js';

/** What a model's configuration says about its graph. */
export function graphFacts({ numLayers, stateNames = [] }: ModelConfig): GraphFacts {
  const pairs = stateNames.flatMap(({ past, present }) => past.map((name, layer) => [name, present[layer]!] as const));
  return { numLayers, stateNames: new Map(pairs) };
}
