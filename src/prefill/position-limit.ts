import type { ModelProto } from 'onnx-buf';
import type { CarriedState } from '../onnx/types.js';

/** Of a cache [batch, heads, rows, head_dim]. */
const ROWS_AXIS = 2;
/** Which input of a node holds the table of rotary cosines [positions, …]. */
const COS_CACHE_INPUT: Record<string, number> = {
  SparseAttention: 7,
  AttentionProbe: 7,
  GroupQueryAttention: 7,
  RotaryEmbedding: 2,
};

/**
 * Positions that the graph's stored rotary tables reach, or Infinity when it has none or computes them. A configuration
 * may promise more than was exported.
 */
export function positionLimit({ graph }: ModelProto): number {
  if (!graph) return Infinity;
  const rows = new Map(graph.initializer.map(({ name, dims }) => [name, Number(dims[0] ?? 0)]));
  const limits = graph.node.flatMap(({ opType, input }) => {
    const table = input[COS_CACHE_INPUT[opType] ?? -1];
    const limit = table === undefined ? undefined : rows.get(table);
    return limit ? [limit] : [];
  });
  return Math.min(Infinity, ...limits);
}

/** Tokens that the KV caches hold where the graph declares their length, or Infinity. */
export function cacheLimit(states: readonly CarriedState[]): number {
  const rows = states.filter(({ keeps }) => keeps === 'buffer').map(({ shape }) => shape[ROWS_AXIS] ?? Infinity);
  return Math.min(Infinity, ...rows);
}
