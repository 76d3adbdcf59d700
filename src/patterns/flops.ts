/** Tiles of the kernel whose cost is counted; mirrors KernelGeometry in kernels/include/minference/params.h. */
export interface TileGeometry {
  /** Query rows per block. */
  blockM: number;
  /** Keys per tile. */
  blockN: number;
  /** Key ranges of a row block are rounded outward to multiples of this. */
  keyAlign: number;
}

/** Query-key pairs of causal attention over `length` tokens: row i sees i + 1 keys. */
export const causalPairs = (length: number): number => (length * (length + 1)) / 2;

/**
 * FLOPs of one head of dense causal attention over `length` tokens: 2·d for q·k and 2·d for p·v per pair, exp and
 * normalisation not counted (the usual convention of attention benchmarks).
 */
export const denseCausalFlops = (length: number, headDim: number): number => 4 * headDim * causalPairs(length);

/** FLOPs of computed tiles: every tile is computed whole, 4·block_m·block_n·d. */
const tileFlops = (tiles: number, headDim: number, geometry: TileGeometry): number =>
  4 * geometry.blockM * geometry.blockN * headDim * tiles;

/**
 * Tiles that an A-shape head (keys j < sink, or i − j < window) costs over a whole prompt. An A-shape needs no index,
 * so that this is all its cost, and it is the same for every prompt of that length.
 */
export function aShapeTiles(
  shape: { sink: number; window: number },
  length: number,
  { blockM, blockN, keyAlign }: TileGeometry,
): number {
  const down = (key: number) => Math.floor(key / keyAlign) * keyAlign;
  const up = (key: number) => Math.ceil(key / keyAlign) * keyAlign;
  let tiles = 0;
  for (let start = 0; start < length; start += blockM) {
    const end = Math.min(start + blockM, length);
    const sinkEnd = Math.min(up(Math.min(shape.sink, end)), end);
    const windowStart = shape.window === 0 ? end : down(Math.max(0, start - shape.window + 1));
    const merged = windowStart <= sinkEnd;
    const ranges = merged ? [end] : [sinkEnd, end - windowStart];
    for (const keys of shape.window === 0 ? [sinkEnd] : ranges) tiles += Math.ceil(keys / blockN);
  }
  return tiles;
}

/** FLOPs of one A-shape head as the kernel spends them. */
export const aShapeFlops = (
  shape: { sink: number; window: number },
  length: number,
  headDim: number,
  geometry: TileGeometry,
): number => tileFlops(aShapeTiles(shape, length, geometry), headDim, geometry);
