import type { EvalDecoder } from './eval-decoder.js';
import type { GridMethod, GridPlace } from './grid.js';

/** Share of the dense scores that a sparse method is taken to compute, before it is known. */
const SPARSE_SHARE = 0.2;
/** Weights of a layer per square of its width, in a decoder of today. */
const WEIGHTS_PER_WIDTH = 12;

/**
 * What an answer costs, in FLOPs of the prefill: linear layers by their usual width, and attention. For progress and
 * estimates only, whose share of a run is what counts.
 */
export function workOf(
  decoder: Pick<EvalDecoder, 'layers'>,
  { length }: Pick<GridPlace, 'length'>,
  method: Pick<GridMethod, 'name'>,
): number {
  const share = method.name === 'dense' ? 1 : SPARSE_SHARE;
  return decoder.layers.reduce((sum, { numHeads, headDim }) => {
    const width = numHeads * headDim;
    return sum + 2 * WEIGHTS_PER_WIDTH * width ** 2 * length + 2 * width * length ** 2 * share;
  }, 0);
}
