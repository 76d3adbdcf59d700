import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../../graph.js';
import { constantScalar } from '../causal-mask.js';
import { NoMatch } from '../rule.js';

/** Longest chain of scales, casts and transposes between the parts of decomposed attention. */
export const MAX_CHAIN = 16;

/**
 * If `node` multiplies or divides one value by a constant number: that value and the factor. Null for other nodes.
 */
export function scaledInput(graph: Graph, node: NodeProto): { input: string; factor: number } | null {
  if (node.opType !== 'Mul' && node.opType !== 'Div') return null;
  const [left = '', right = ''] = node.input;
  const byRight = numberOf(graph, right);
  if (byRight !== null) return { input: left, factor: node.opType === 'Mul' ? byRight : 1 / byRight };
  const byLeft = node.opType === 'Mul' ? numberOf(graph, left) : null;
  return byLeft === null ? null : { input: right, factor: byLeft };
}

function numberOf(graph: Graph, name: string): number | null {
  try {
    return constantScalar(graph, name);
  } catch (error) {
    if (error instanceof NoMatch) return null;
    throw error;
  }
}
