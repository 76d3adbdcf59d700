import type { ModelProto } from 'onnx-buf';
import { Evaluator } from '../onnx/evaluate/evaluator.js';
import { Graph } from '../onnx/graph.js';
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

/** Two calls of different lengths: what has the same size in both is stored, and not made for the call. */
const CALLS = [
  { past: 3, sequence: 4 },
  { past: 6, sequence: 5 },
];

/**
 * Positions that the graph's stored rotary tables reach, or Infinity when it has none or computes them for every call. A
 * configuration may promise more than was exported. Tables are found behind constants, casts and slices too.
 */
export function positionLimit(proto: ModelProto): number {
  const names = proto.graph?.node.flatMap(({ opType, input }) => input[COS_CACHE_INPUT[opType] ?? -1] ?? []) ?? [];
  const tables = new Set(names.filter((name) => name !== ''));
  if (tables.size === 0) return Infinity;
  const graph = new Graph(proto);
  const calls = CALLS.map((lengths) => new Evaluator(graph, lengths));
  const limits = [...tables].map((table) => {
    const [rows, others] = calls.map((call) => tableRows(call.shape(table)));
    return rows === others && rows ? rows : Infinity;
  });
  return Math.min(Infinity, ...limits);
}

/** Of a table [positions, head_dim / 2]; one that was gathered for a call has more axes. */
const tableRows = (shape: readonly number[] | null) => (shape?.length === 2 ? shape[0] : undefined);

/** Tokens that the KV caches hold where the graph declares their length, or Infinity. */
export function cacheLimit(states: readonly CarriedState[]): number {
  const rows = states.filter(({ keeps }) => keeps === 'buffer').map(({ shape }) => shape[ROWS_AXIS] ?? Infinity);
  return Math.min(Infinity, ...rows);
}
