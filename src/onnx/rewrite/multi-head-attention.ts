import type { NodeProto } from 'onnx-buf';
import { floatAttribute, intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import { shapeOf } from './analysis.js';
import { type Mask, proveCausal } from './causal-mask.js';
import { findHeadDim } from './head-dim.js';
import { type CacheNames, checkCache } from './kv-cache.js';
import { beforeMerge, detachOutsideCache, findOutsideCache } from './outside-cache.js';
import { type AttentionRule, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

const KNOWN_ATTRIBUTES = new Set(['num_heads', 'scale', 'unidirectional', 'mask_filter_value']);

/** Where a node's keys and values come from, and what puts the new ones into the graph. */
interface Operands {
  numKvHeads: number;
  headDim: number;
  cache: CacheNames;
  /** Names of the new keys and values, [batch, rows, kv_heads · dim]. */
  wire(): [key: string, value: string];
}

/** The node appends to the cache itself. */
function withOwnCache(graph: Graph, node: NodeProto, numHeads: number): Operands {
  const [query = '', key = '', value = '', , , , pastKey = '', pastValue = ''] = node.input;
  const [, presentKey = '', presentValue = ''] = node.output;
  const cache = checkCache(graph, { pastKey, pastValue, presentKey, presentValue });
  const headDim = findHeadDim(graph, { cache: [pastKey, presentKey], query, heads: numHeads });
  for (const [name, what] of [
    [key, 'keys'],
    [value, 'values'],
  ] as const) {
    const width = shapeOf(graph, name, what, 3)[2];
    require(width === numHeads * headDim, `its ${what} are ${width} wide, not ${numHeads} heads of ${headDim}`);
  }
  return { numKvHeads: numHeads, headDim, cache, wire: () => [key, value] };
}

/** The cache is put together and its heads are repeated before the node, as for grouped queries. */
function withOutsideCache(graph: Graph, node: NodeProto, numHeads: number): Operands {
  const [, keys = '', values = ''] = node.input;
  const outside = findOutsideCache(graph, beforeMerge(graph, keys), beforeMerge(graph, values));
  const { numKvHeads, headDim, cache } = outside;
  require(numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
  return { numKvHeads, headDim, cache, wire: () => detachOutsideCache(graph, outside) };
}

/** com.microsoft.MultiHeadAttention with a cache, causal by attribute or by its bias. */
export const multiHeadAttention: AttentionRule = {
  name: 'MultiHeadAttention',
  source: 'MultiHeadAttention',
  isAnchor: (_, node) => node.opType === 'MultiHeadAttention' && node.domain === 'com.microsoft',

  match(graph, node) {
    const [query = '', key = '', value = '', bias, padding, attentionBias, pastKey, pastValue] = node.input;
    for (const { name } of node.attribute)
      require(KNOWN_ATTRIBUTES.has(name), `its attribute ${name} is not supported`);
    require(query && key && value, 'it has packed queries, keys and values, or none of its own (cross attention)');
    require(!bias, 'it has projection biases inside');
    require(!node.input.slice(8).some(Boolean), 'it has inputs beyond its past');
    require(!node.output.slice(3).some(Boolean), 'its scores are an output of their own');
    const isOwn = Boolean(pastKey || pastValue);
    // Without a past of its own the op would count rows from the first key.
    const isCausal = isOwn && intAttribute(node, 'unidirectional', 0) === 1;
    require(isCausal || attentionBias, 'it is not causal: unidirectional is 0 and there is no mask');
    const masks: Mask[] = [];
    if (attentionBias) masks.push({ name: attentionBias, kind: 'additive' });
    if (padding) masks.push({ name: padding, kind: 'allowed' });
    const window = proveCausal(graph, masks, isCausal);
    const numHeads = intAttribute(node, 'num_heads', 0);
    require(numHeads > 0, 'it has no num_heads');
    const operands = (isOwn ? withOwnCache : withOutsideCache)(graph, node, numHeads);
    const { numKvHeads, headDim, cache } = operands;
    const width = shapeOf(graph, query, 'query', 3)[2];
    require(width === numHeads * headDim, `its query is ${width} wide, not ${numHeads} heads of ${headDim}`);
    return {
      node,
      source: 'MultiHeadAttention',
      numHeads,
      numKvHeads,
      headDim,
      attributes: { scale: floatAttribute(node, 'scale', 0), window },
      ...cache,
      wire() {
        graph.detach(node);
        const fresh = operands.wire();
        const lengths = addSequenceLengths(graph, cache.pastKey);
        const past = [cache.pastKey, cache.pastValue];
        return {
          inputs: [query, ...fresh, ...past, lengths.seqlensK, lengths.totalSequenceLength, '', '', '', '', ''],
          outputs: [node.output[0]!, cache.presentKey, cache.presentValue],
        };
      },
    };
  },
};
