import { denseCausalFlops, type TileGeometry } from '../../patterns/flops.js';
import type { HeadPattern } from '../../patterns/head-pattern.js';
import { aShapeForFraction } from '../../patterns/uniform-patterns.js';

/** What uniform methods may cost: a share of dense causal FLOPs at a length. */
export interface UniformBudget {
  fraction: number;
  /** Length at which it holds; null: at the length of every prompt. */
  length: number | null;
}

/** The share where no pattern file says another. */
export const DEFAULT_FRACTION = 0.2;

/** Query and key blocks that block-sparse heads choose from. */
const BLOCK = 64;

/** The largest pattern of its kind, the same for all heads, whose cost stays within the budget. */
export function uniformPattern(
  type: 'a_shape' | 'block_sparse',
  options: { length: number; fraction: number; headDim: number; geometry: TileGeometry },
): HeadPattern {
  return type === 'a_shape' ? aShapeForFraction(options) : { type, blocks: blocksForFraction(options) };
}

/**
 * Key blocks per query block within the budget, at least one. Counted in whole blocks, the diagonal one included; the
 * cost of choosing them is not.
 */
function blocksForFraction({
  length,
  fraction,
  headDim,
}: {
  length: number;
  fraction: number;
  headDim: number;
}): number {
  const budget = fraction * denseCausalFlops(length, headDim);
  const rowBlocks = Math.ceil(length / BLOCK);
  const cost = (blocks: number) => {
    const few = Math.min(blocks, rowBlocks);
    // The first `few` query blocks see 1, 2 … key blocks, the others all of theirs.
    const pairs = ((few * (few + 1)) / 2 + (rowBlocks - few) * few) * BLOCK * BLOCK;
    return 4 * headDim * pairs;
  };
  let [low, high] = [1, rowBlocks];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cost(middle) <= budget) low = middle;
    else high = middle - 1;
  }
  return low;
}
