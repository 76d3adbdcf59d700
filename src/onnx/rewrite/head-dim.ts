import { intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import { tensorShape } from '../tensor-values.js';
import { NoMatch } from './rule.js';

/** Nodes between a projection and attention that keep the last dimension. */
const KEEPS_WIDTH = new Set(['Add', 'Cast', 'Identity', 'Mul']);
const MAX_STEPS = 8;

/** Last dimension of a value: declared, or that of the projection it comes from; null when neither says. */
export function lastDimension(graph: Graph, name: string): number | null {
  let value = name;
  for (let step = 0; step < MAX_STEPS; step++) {
    const declared = graph.type(value)?.shape?.at(-1);
    if (typeof declared === 'number') return declared;
    const node = graph.producer(value);
    if (!node) return null;
    if (node.opType === 'MatMulNBits') return intAttribute(node, 'N', null);
    if (node.opType === 'MatMul' || node.opType === 'Gemm') {
      const weight = graph.initializer(node.input[1]!);
      if (!weight) return null;
      const transposed = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
      return tensorShape(weight).at(transposed ? -2 : -1) ?? null;
    }
    if (node.opType === 'Reshape') return graph.constant(node.input[1]!)?.at(-1) ?? null;
    if (!KEEPS_WIDTH.has(node.opType)) return null;
    value = node.input[0]!;
  }
  return null;
}

/**
 * head_dim of an attention node: from the cache's declared shape, else from the width of the query and its number of
 * heads (packed QKV counts the key and value heads too).
 */
export function findHeadDim(graph: Graph, options: { cache: readonly string[]; query: string; heads: number }): number {
  for (const name of options.cache) {
    const declared = graph.type(name)?.shape?.at(-1);
    if (typeof declared === 'number' && declared > 0) return declared;
  }
  const width = lastDimension(graph, options.query);
  if (width !== null && width > 0 && width % options.heads === 0) return width / options.heads;
  throw new NoMatch('its head_dim is written nowhere: neither the cache nor the query has a known last dimension');
}
