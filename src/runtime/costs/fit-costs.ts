import { aShapeFlops } from '../../patterns/flops.js';
import type { KernelGeometry } from '../native.js';
import type { CostModel } from './cost-model.js';
import type { PatternRow } from './op-bench.js';

/** Query rows of the estimate, and rows and keys of a pooled block (kernels/include/minference/pattern.h). */
const LAST_ROWS = 64;
const POOLED = 64;

/** How far below and above the defaults a measurement is believed: an index that looks cheap may be a busy machine's. */
const BELIEVED = [1 / 3, 100] as const;

/** No keys at all: what every call costs besides attention and index. */
export const nothing: PatternRow = [1, 0, 0];
export const dense: PatternRow = [0, 0, 0];
const aShape = (sink: number, window: number): PatternRow => [1, sink, window];
const verticalSlash = (columns: number, diagonals: number): PatternRow => [2, columns, diagonals];

/** The patterns whose times tell the costs. `thin` and `blocks` compute the keys of their neighbours without an index. */
export const probes = (length: number) => ({
  nothing,
  dense,
  window: aShape(length / 64, length / 8),
  /** The columns and diagonals that are always chosen, and the same keys as an A-shape. */
  thin: verticalSlash(30, 100),
  thinWindow: aShape(30, 100),
  /** A query block's own key block, and the same keys as an A-shape. */
  blocks: [3, 1, 0] as PatternRow,
  blocksWindow: aShape(0, 1),
  /** About 15 % of dense from 8K on. More diagonals would scatter on made-up data; in a model they are neighbours. */
  typical: verticalSlash(length / 8, 100),
});
export type Probe = keyof ReturnType<typeof probes>;

/** Milliseconds of a call over `length` tokens, all heads with the same pattern. */
export interface ProbeTimes {
  length: number;
  ms: Record<Exclude<Probe, 'typical'>, number>;
}

export interface FitInputs {
  headDim: number;
  geometry: KernelGeometry;
  defaults: CostModel;
  long: ProbeTimes;
  /** A quarter of its length, or so. */
  short: ProbeTimes;
  /** Tokens from which on a typical sparse head is faster than a dense one. */
  crossover: number;
}

/**
 * The costs that explain the times. What cannot be told apart by them keeps its default proportion: ranking and estimate
 * of vertical-slash, ranking and means of block-sparse. Null when the times explain nothing: dense attention took no longer
 * than no attention, as on a device that others keep busy.
 */
export function fitCosts({ headDim, geometry, defaults, long, short, crossover }: FitInputs): CostModel | null {
  const windowFlops = (sink: number, window: number, length: number) =>
    aShapeFlops({ sink, window }, length, headDim, geometry);
  const n = long.length;
  const denseMs = long.ms.dense - long.ms.nothing;
  if (!(denseMs > 0)) return null;
  const msPerFlop = denseMs / windowFlops(n, 0, n);
  const [, sink, window] = probes(n).window;
  const windowMs = long.ms.window - long.ms.nothing;
  const sparseTile = clamp(windowMs / windowFlops(sink, window, n) / msPerFlop, 1, 4);

  const index = ({ ms }: ProbeTimes) => Math.max(0, ms.thin - ms.thinWindow) / msPerFlop;
  // A line through both points, whose parts are not negative.
  const atZero = (index(short) * n - index(long) * short.length) / (n - short.length);
  const perHead = Math.min(Math.max(0, atZero), index(long));
  const perKey = (index(long) - perHead) / n;
  const estimate = believe(perKey, defaults.index_flop * 2 * headDim * LAST_ROWS + defaults.select_per_key);

  const scores = (n / POOLED) ** 2 / 2;
  const pooledMs = Math.max(0, long.ms.blocks - long.ms.blocksWindow);
  const pooled = believe(
    pooledMs / msPerFlop - perHead,
    defaults.pooled_flop * headDim * (2 * n + 2 * scores) + defaults.select_per_score * scores,
  );
  return {
    sparse_tile: sparseTile,
    index_flop: defaults.index_flop * estimate,
    pooled_flop: defaults.pooled_flop * pooled,
    select_per_key: defaults.select_per_key * estimate,
    select_per_score: defaults.select_per_score * pooled,
    pack_per_column: defaults.pack_per_column * estimate,
    per_head: perHead,
    least_context: crossover,
  };
}

const believe = (measured: number, expected: number) => clamp(measured / expected, ...BELIEVED);

const clamp = (value: number, least: number, most: number) =>
  Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : 1;
