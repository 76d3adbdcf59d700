import type { GraphProto, NodeProto } from 'onnx-buf';
import { type Graph, isStandard } from '../graph.js';
import type { SkippedNode } from '../types.js';

/** For a graph in which no rule finds an anchor: the nodes that look like attention all the same, and what speaks against each. */
export function unknownAttention(graph: Graph): SkippedNode[] {
  return [...graph.nodes].flatMap((node) => {
    const against = reasonAgainst(graph, node);
    return against === null
      ? []
      : [{ node: node.name || node.output[0] || node.opType, opType: node.opType, ...against }];
  });
}

function reasonAgainst(graph: Graph, node: NodeProto): Pick<SkippedNode, 'reason' | 'hint'> | null {
  if (node.attribute.some(({ g }) => g && holdsAttention(g))) {
    return {
      reason: 'its branches hold the attention, as a merged decoder has it (one graph for with and without a past)',
      hint:
        'take the file of the decoder with past alone (decoder_with_past_model.onnx), where there is one, or export the ' +
        'model again, with Optimum and --no-post-process',
    };
  }
  if (!looksLikeAttention(node)) return null;
  if (node.opType !== 'Softmax') return { reason: `an operator of ${node.domain || 'ONNX'} that is not known` };
  const scores = graph.producer(node.input[0] ?? '');
  const source = scores ? `${scores.opType} ${scores.name || node.input[0]}` : `the input ${node.input[0]}`;
  return { reason: `its scores come from ${source}, behind which no product of queries and keys is found` };
}

const looksLikeAttention = ({ opType, domain }: NodeProto): boolean =>
  (opType === 'Softmax' && isStandard(domain)) || opType.endsWith('Attention');

const holdsAttention = ({ node }: GraphProto): boolean =>
  node.some((inner) => looksLikeAttention(inner) || inner.attribute.some(({ g }) => g && holdsAttention(g)));
