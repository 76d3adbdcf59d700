import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';

/** Where an op takes states and gives them back: input number → output number. */
const PORTS: Readonly<Record<string, readonly (readonly [past: number, present: number])[]>> = {
  SparseAttention: [
    [3, 1],
    [4, 2],
  ],
  AttentionProbe: [
    [3, 1],
    [4, 2],
  ],
  GroupQueryAttention: [
    [3, 1],
    [4, 2],
  ],
  MultiHeadAttention: [
    [6, 1],
    [7, 2],
  ],
  Attention: [
    [4, 1],
    [5, 2],
  ],
  CausalConvWithState: [[3, 1]],
  LinearAttention: [[3, 1]],
};

/** These take a past that is longer than its valid rows, and write the new ones into it. */
const TAKES_BUFFER = new Set(['SparseAttention', 'AttentionProbe', 'GroupQueryAttention']);

/** The node that continues a state, and how. */
export interface CachePort {
  node: NodeProto;
  output: string;
  /** Axis that has one row for every token; null for states that are no cache. */
  rowsAxis: number | null;
}

/** The node that reads a graph input as its past and whose present is a graph output. */
export function findCachePort(graph: Graph, input: string): CachePort | undefined {
  for (const node of graph.consumers(input)) {
    for (const [past, present] of PORTS[node.opType] ?? []) {
      const output = node.output[present];
      if (node.input[past] !== input || !output || !graph.isOutput(output)) continue;
      return { node, output, rowsAxis: graph.type(input)?.shape?.length === 4 && isAttention(node) ? 2 : null };
    }
    const output = node.output[0]!;
    if (node.opType !== 'Concat' || !graph.isOutput(output)) continue;
    const rank = graph.type(input)?.shape?.length ?? 4;
    return { node, output, rowsAxis: (intAttribute(node, 'axis', 0) + rank) % rank };
  }
  return undefined;
}

const isAttention = (node: NodeProto) => (PORTS[node.opType]?.length ?? 0) === 2;

/**
 * True when a node's past and present may be one buffer of the cache's full length: nothing else asks how long the past
 * is, and what else reads the present (layers that share it) takes its valid length from elsewhere too.
 */
export function canBeBuffer(graph: Graph, node: NodeProto): boolean {
  if (!TAKES_BUFFER.has(node.opType)) return false;
  return PORTS[node.opType]!.every(([past, present]) => {
    const [input, output] = [node.input[past] ?? '', node.output[present] ?? ''];
    return (
      graph.consumers(input).every((reader) => readsAsBuffer(reader, input)) &&
      graph.consumers(output).every((reader) => readsAsBuffer(reader, output))
    );
  });
}

function readsAsBuffer(reader: NodeProto, value: string): boolean {
  if (!TAKES_BUFFER.has(reader.opType)) return false;
  const pasts = PORTS[reader.opType]!.map(([past]) => past);
  return reader.input.every((name, index) => name !== value || pasts.includes(index));
}

/** GroupQueryAttention keeps the last tokens only, in a cache of a given size. */
export const keepsWindow = (node: NodeProto): boolean => intAttribute(node, 'sliding_window_cache', 0) === 1;
