import { expect, test } from 'vitest';
import { aShapeFlops } from '../../../src/patterns/flops.js';
import type { CostModel } from '../../../src/runtime/costs/cost-model.js';
import { type FitInputs, fitCosts, type ProbeTimes } from '../../../src/runtime/costs/fit-costs.js';

const headDim = 64;
const geometry = { blockM: 64, blockN: 16, keyAlign: 16, columnsInPlace: false };
const defaults: CostModel = {
  sparse_tile: 1.04,
  index_flop: 2,
  pooled_flop: 2,
  select_per_key: 4000,
  select_per_score: 400,
  pack_per_column: 10000,
  per_head: 0,
  least_context: 0,
};
const MS_PER_FLOP = 1e-8;
const CALL_MS = 3;

/** What a device with these costs would show. */
function timesOf(length: number, costs: CostModel): ProbeTimes {
  const flops = (sink: number, window: number) => aShapeFlops({ sink, window }, length, headDim, geometry);
  const ms = (tiles: number, index = 0) => CALL_MS + MS_PER_FLOP * (costs.sparse_tile * tiles + index);
  const thin = costs.per_head + length * (costs.index_flop * 2 * headDim * 64 + costs.select_per_key);
  const scores = (length / 64) ** 2 / 2;
  const means = costs.pooled_flop * headDim * (2 * length + 2 * scores);
  return {
    length,
    ms: {
      nothing: CALL_MS,
      dense: CALL_MS + MS_PER_FLOP * flops(length, 0),
      window: ms(flops(length / 64, length / 8)),
      thin: ms(flops(30, 100), thin),
      thinWindow: ms(flops(30, 100)),
      blocks: ms(flops(0, 1), costs.per_head + means + costs.select_per_score * scores),
      blocksWindow: ms(flops(0, 1)),
    },
  };
}

const solve = (long: ProbeTimes, short: ProbeTimes, more: Partial<FitInputs> = {}) =>
  fitCosts({ headDim, geometry, defaults, long, short, crossover: 1024, ...more })!;
const near = (costs: CostModel) =>
  Object.fromEntries(Object.entries(costs).map(([name, value]) => [name, expect.closeTo(value, 4)]));

test('finds the costs that explain the times', () => {
  const costs = {
    ...defaults,
    sparse_tile: 1.3,
    index_flop: 6,
    select_per_key: 12000,
    pack_per_column: 30000,
    pooled_flop: 10,
    select_per_score: 2000,
    per_head: 5e6,
    least_context: 1024,
  };
  expect(solve(timesOf(4096, costs), timesOf(1024, costs))).toEqual(near(costs));
});

test('an index that seems to cost nothing is not believed', () => {
  const free = { ...defaults, index_flop: 0, select_per_key: 0, pooled_flop: 0, select_per_score: 0 };
  const found = solve(timesOf(4096, free), timesOf(1024, free));
  expect(found.index_flop).toBeCloseTo(2 / 3);
  expect(found.select_per_score).toBeCloseTo(400 / 3);
});

test('times that contradict each other give no cost below zero and no number that is none', () => {
  const long = timesOf(4096, defaults);
  const short = timesOf(1024, { ...defaults, per_head: 1e12 });
  const broken = { length: 4096, ms: { ...long.ms, window: 0, thin: 0, blocks: 0 } };
  for (const costs of [solve(long, short), solve(broken, short)]) {
    for (const value of Object.values(costs)) expect(value).toBeGreaterThanOrEqual(0);
    for (const value of Object.values(costs)) expect(value).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(costs.sparse_tile).toBeGreaterThanOrEqual(1);
  }
});

test('times that explain nothing give no costs', () => {
  const long = timesOf(4096, defaults);
  for (const dense of [long.ms.nothing - 0.1, long.ms.nothing, 0, Number.NaN]) {
    expect(solve({ ...long, ms: { ...long.ms, dense } }, timesOf(1024, defaults))).toBeNull();
  }
});
