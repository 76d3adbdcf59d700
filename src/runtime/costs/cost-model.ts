import { z } from 'zod';
import type { Device } from '../types.js';

const cost = z.number().min(0);

/**
 * What an index and sparse tiles cost on one device, in FLOPs of its own dense attention that take as long: by it, the op
 * computes a head dense where that is as fast. Mirrors kernels/include/minference/costs.h.
 */
export const costModelSchema = z.strictObject({
  sparse_tile: z.number().positive().describe('a tile of a sparse head, in tiles of a dense one'),
  index_flop: cost.describe('a FLOP of the estimate from the last rows'),
  pooled_flop: cost.describe('a FLOP of the pooled means and scores'),
  select_per_key: cost.describe('ranking columns and diagonals, per key'),
  select_per_score: cost.describe('ranking pooled scores, each'),
  pack_per_column: cost.describe('gathering one column'),
  per_head: cost.describe('launches and what else does not depend on lengths'),
  least_context: z.int().min(0).describe('tokens: shorter contexts are dense whatever the pattern'),
});
export type CostModel = z.infer<typeof costModelSchema>;

/** The session configuration entry by which the op gets the costs of a device (kernels/ops/session_costs.h). */
export function costsConfig(device: Device, costs: CostModel): Record<string, string> {
  const fields = Object.entries(costs).map(([name, value]) => `${name}=${value}`);
  return { [`ai.minference.costs.${device}`]: fields.join(' ') };
}
