import type { NodeProto } from 'onnx-buf';
import { floatAttribute, intAttribute } from '../attribute.js';
import { type Graph, isStandard } from '../graph.js';
import { ELEMENT } from '../value-info.js';
import { analyze, elementTypeOf, SAMPLE_CALL, shapeOf } from './analysis.js';
import { type Mask, proveCausal } from './causal-mask.js';
import { checkCache } from './kv-cache.js';
import { mergeHeads, splitHeads } from './layout.js';
import { beforeMerge, detachOutsideCache, findOutsideCache } from './outside-cache.js';
import { type AttentionRule, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

const KNOWN_ATTRIBUTES = new Set([
  ...['is_causal', 'kv_num_heads', 'q_num_heads', 'scale', 'softcap', 'softmax_precision', 'qk_matmul_output_mode'],
]);

/** Heads of queries and keys and their size, from [batch, rows, heads · dim] or [batch, heads, rows, dim]. */
function findHeads(graph: Graph, node: NodeProto, rank: number) {
  const [query, key, value] = ['query', 'keys', 'values'].map((what, i) =>
    shapeOf(graph, node.input[i] ?? '', what, rank),
  ) as [readonly number[], readonly number[], readonly number[]];
  const numHeads = rank === 4 ? query[1]! : intAttribute(node, 'q_num_heads', 0);
  const numKvHeads = rank === 4 ? key[1]! : intAttribute(node, 'kv_num_heads', 0);
  require(numHeads > 0 &&
    numKvHeads > 0 &&
    numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
  const headDim = rank === 4 ? query[3]! : query[2]! / numHeads;
  const kvShape = (rank === 4 ? [1, numKvHeads, key[2], headDim] : [1, key[1], numKvHeads * headDim]).join(', ');
  require(key.join(', ') === kvShape, `expected keys of [${kvShape}], found [${key.join(', ')}]`);
  require(value.join(', ') === kvShape, `expected values of [${kvShape}], found [${value.join(', ')}]`);
  require(key.at(rank === 4 ? 2 : 1) === SAMPLE_CALL.sequence, 'its keys are not those of the call (cross attention?)');
  return { numHeads, numKvHeads, headDim };
}

const headsOf = (graph: Graph, node: NodeProto, rank: number): number =>
  rank === 4 ? shapeOf(graph, node.input[0] ?? '', 'query', 4)[1]! : intAttribute(node, 'q_num_heads', 0);

/** Keys and values of all rows, [batch, heads, total, dim]. */
function keysAndValues(graph: Graph, node: NodeProto, rank: number): [string, string] {
  const [, key = '', value = ''] = node.input;
  return rank === 4 ? [key, value] : [beforeMerge(graph, key), beforeMerge(graph, value)];
}

/** Masks of opset 23: boolean ones keep where true, others are added. */
function masksOf(graph: Graph, name: string | undefined): Mask[] {
  if (!name) return [];
  return [{ name, kind: elementTypeOf(graph, name, 'mask') === ELEMENT.bool ? 'allowed' : 'additive' }];
}

/** ai.onnx Attention (opset 23 and later) with a cache, causal by attribute or by its mask. */
export const onnxAttention: AttentionRule = {
  name: 'Attention (opset 23)',
  source: 'Attention',
  isAnchor: (_, node) => node.opType === 'Attention' && isStandard(node.domain),

  match(graph, node) {
    const [query = '', key = '', value = '', mask, pastKey = '', pastValue = ''] = node.input;
    for (const { name } of node.attribute)
      require(KNOWN_ATTRIBUTES.has(name), `its attribute ${name} is not supported`);
    require(!node.input.slice(6).some(Boolean), 'it has inputs beyond its past');
    require(!node.output.slice(3).some(Boolean), 'its scores are an output of their own');
    const isOwn = Boolean(pastKey || pastValue);
    // Without a past of its own the op would count rows from the first key.
    const isCausal = isOwn && intAttribute(node, 'is_causal', 0) === 1;
    require(isOwn || mask, 'it is causal from the first key on, without a past of its own and without a mask');
    require(isCausal || mask, 'it is not causal: is_causal is 0 and there is no mask');
    const window = proveCausal(graph, masksOf(graph, mask), isCausal);
    const [output = '', presentKey = '', presentValue = ''] = node.output;
    const rank = analyze(graph).shape(query)?.length;
    require(rank === 3 || rank === 4, 'the number of dimensions of its query cannot be told from the graph');
    const outside = isOwn ? null : findOutsideCache(graph, ...keysAndValues(graph, node, rank));
    const { numHeads, numKvHeads, headDim } = outside
      ? { ...outside, numHeads: headsOf(graph, node, rank) }
      : findHeads(graph, node, rank);
    require(numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
    const cache = outside?.cache ?? checkCache(graph, { pastKey, pastValue, presentKey, presentValue });
    return {
      node,
      source: 'Attention',
      numHeads,
      numKvHeads,
      headDim,
      attributes: { scale: floatAttribute(node, 'scale', 0), softcap: floatAttribute(node, 'softcap', 0), window },
      ...cache,
      wire() {
        graph.detach(node);
        const merge = (name: string, heads: number) => (rank === 3 ? name : mergeHeads(graph, name, heads * headDim));
        const fresh = outside ? detachOutsideCache(graph, outside) : [merge(key, numKvHeads), merge(value, numKvHeads)];
        const qkv = [merge(query, numHeads), ...fresh];
        const merged = rank === 3 ? output : graph.unique(`${output}/merged`);
        if (rank === 4) splitHeads(graph, merged, numHeads, headDim, output);
        const { seqlensK, totalSequenceLength } = addSequenceLengths(graph, cache.pastKey);
        return {
          inputs: [...qkv, cache.pastKey, cache.pastValue, seqlensK, totalSequenceLength, '', '', '', '', ''],
          outputs: [merged, cache.presentKey, cache.presentValue],
        };
      },
    };
  },
};
