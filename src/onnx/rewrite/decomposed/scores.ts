import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../../graph.js';
import type { Mask } from '../causal-mask.js';
import { NoMatch, require } from '../rule.js';
import { MAX_CHAIN, scaledInput } from './chain.js';

/** What lies between the product of queries and keys and the softmax. */
export interface Scores {
  /** q·kᵀ. */
  product: NodeProto;
  /** Factor on the product; softcap applies after it. */
  scale: number;
  softcap: number;
  masks: Mask[];
}

/** Some MatMul can be reached through scales, casts, masks and a tanh. */
function leadsToProduct(graph: Graph, name: string, steps = MAX_CHAIN): boolean {
  const node = graph.producer(name);
  if (!node || steps === 0) return false;
  if (node.opType === 'MatMul') return true;
  if (['Cast', 'Tanh'].includes(node.opType)) return leadsToProduct(graph, node.input[0]!, steps - 1);
  if (['Add', 'Mul', 'Div'].includes(node.opType)) {
    return node.input.some((input) => leadsToProduct(graph, input, steps - 1));
  }
  return node.opType === 'Where' && node.input.slice(1).some((input) => leadsToProduct(graph, input, steps - 1));
}

/** Walks up from a softmax to the product of queries and keys. */
export function findScores(graph: Graph, softmax: NodeProto): Scores {
  const masks: Mask[] = [];
  let scale = 1;
  let softcap = 0;
  let name = softmax.input[0]!;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = graph.producer(name);
    require(node, 'its scores come from a graph input');
    if (node.opType === 'MatMul') return { product: node, scale, softcap, masks };
    if (node.opType === 'Cast') {
      name = node.input[0]!;
    } else if (node.opType === 'Add') {
      const index = node.input.findIndex((input) => leadsToProduct(graph, input));
      require(index >= 0, 'no product of queries and keys feeds its softmax');
      masks.push({ name: node.input[1 - index]!, kind: 'additive' });
      name = node.input[index]!;
    } else if (node.opType === 'Where') {
      const [condition, kept, removed] = node.input as [string, string, string];
      const keptFirst = leadsToProduct(graph, kept);
      masks.push({ name: condition, kind: keptFirst ? 'allowed' : 'masked' });
      name = keptFirst ? kept : removed;
    } else if (node.opType === 'Tanh') {
      // softcap · tanh(s / softcap): the factor above the tanh was collected as `scale`.
      const before = graph.producer(node.input[0]!);
      const divided = before ? scaledInput(graph, before) : null;
      require(divided &&
        Math.abs(divided.factor * scale - 1) < 1e-3, 'a tanh without its inverse factor is no softcap');
      softcap = scale;
      scale = 1;
      name = divided.input;
    } else {
      const scaled = scaledInput(graph, node);
      require(scaled, `${node.opType} ${node.name} between its scores and its softmax is not known`);
      scale *= scaled.factor;
      name = scaled.input;
    }
  }
  throw new NoMatch('no product of queries and keys feeds its softmax');
}
