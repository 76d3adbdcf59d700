import type { NodeProto } from 'onnx-buf';
import { intsAttribute } from '../../attribute.js';
import type { Graph } from '../../graph.js';
import { analyze } from '../analysis.js';
import { NoMatch, require } from '../rule.js';
import { MAX_CHAIN } from './chain.js';

/** Where the probabilities go: their product with the values, and the value that leaves attention. */
export interface AttentionOutput {
  product: NodeProto;
  /** Name of attention's result. */
  name: string;
  /** `merged` [batch, rows, heads · dim], or `heads` [batch, heads, rows, dim]. */
  layout: 'merged' | 'heads';
}

/** Dropout does nothing at inference. */
const KEEPS_VALUES = new Set(['Cast', 'Identity', 'Dropout']);

function onlyConsumer(graph: Graph, name: string): NodeProto | null {
  const consumers = graph.consumers(name);
  return consumers.length === 1 && !graph.isOutput(name) ? consumers[0]! : null;
}

/** Where(IsNaN(p), 0, p): rows without keys become 0, as the op has them. */
function guardedByIsNaN(graph: Graph, name: string): NodeProto | null {
  const consumers = graph.consumers(name);
  const where = consumers.find(({ opType }) => opType === 'Where');
  const nanTest = consumers.find(({ opType }) => opType === 'IsNaN');
  if (consumers.length !== 2 || !where || !nanTest) return null;
  const [condition, zero, kept] = where.input as [string, string, string];
  const isGuard =
    condition === nanTest.output[0] && kept === name && graph.constant(zero)?.every((value) => value === 0);
  return isGuard ? where : null;
}

/** Walks down from a softmax to the product with the values, and past the merging of heads where there is one. */
export function findOutput(graph: Graph, softmax: NodeProto): AttentionOutput {
  let name = softmax.output[0]!;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = guardedByIsNaN(graph, name) ?? onlyConsumer(graph, name);
    require(node, 'its probabilities are used more than once');
    if (node.opType === 'MatMul') {
      require(node.input[0] === name, 'its probabilities are the right operand of a product');
      return mergedOutput(graph, node);
    }
    const known = node.opType === 'Where' ? guardedByIsNaN(graph, name) === node : KEEPS_VALUES.has(node.opType);
    require(known, `${node.opType} ${node.name} after its softmax is not known`);
    name = node.output[0]!;
  }
  throw new NoMatch('its probabilities meet no values');
}

function mergedOutput(graph: Graph, product: NodeProto): AttentionOutput {
  const heads: AttentionOutput = { product, name: product.output[0]!, layout: 'heads' };
  const transpose = onlyConsumer(graph, heads.name);
  if (transpose?.opType !== 'Transpose' || intsAttribute(transpose, 'perm')?.join() !== '0,2,1,3') return heads;
  const reshape = onlyConsumer(graph, transpose.output[0]!);
  if (reshape?.opType !== 'Reshape') return heads;
  const rank = analyze(graph).shape(reshape.output[0]!)?.length;
  return rank === 3 ? { product, name: reshape.output[0]!, layout: 'merged' } : heads;
}
