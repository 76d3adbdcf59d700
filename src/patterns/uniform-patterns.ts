import { aShapeFlops, denseCausalFlops, type TileGeometry } from './flops.js';
import type { HeadChoice } from './head-choice.js';
import type { HeadPattern } from './head-pattern.js';

/**
 * The same pattern for every head of the layers that can be sparse, as [layer][head] over all layers of the model; nothing
 * for those that stay as they are.
 */
export function uniformPatterns<Choice extends HeadChoice = HeadPattern>(
  layers: readonly { layer?: number; numHeads: number }[],
  pattern: Choice,
  numLayers = layers.length,
): Choice[][] {
  const patterns: Choice[][] = Array.from({ length: numLayers }, () => []);
  for (const [index, { layer = index, numHeads }] of layers.entries()) {
    patterns[layer] = Array.from({ length: numHeads }, () => ({ ...pattern }));
  }
  return patterns;
}

/**
 * The largest A-shape with the paper's proportions (1,024 sink and 4,096 window tokens: 1 to 4) whose cost at `length`
 * stays within `fraction` of the dense causal FLOPs. When even one sink token costs more, that smallest one.
 */
export function aShapeForFraction(options: {
  length: number;
  headDim: number;
  fraction: number;
  geometry: TileGeometry;
}): Extract<HeadPattern, { type: 'a_shape' }> {
  const { length, headDim, fraction, geometry } = options;
  const budget = fraction * denseCausalFlops(length, headDim);
  const shape = (window: number) => ({ sink: Math.max(1, Math.floor(window / 4)), window });
  let [low, high] = [1, length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (aShapeFlops(shape(middle), length, headDim, geometry) <= budget) low = middle;
    else high = middle - 1;
  }
  return { type: 'a_shape', ...shape(low) };
}
