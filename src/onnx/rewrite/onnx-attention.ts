import type { NodeProto } from 'onnx-buf';
import { floatAttribute, intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import { type Mask, proveCausal } from './causal-mask.js';
import { findHeadDim } from './head-dim.js';
import { checkCache } from './kv-cache.js';
import { mergeHeads, splitHeads } from './layout.js';
import { type AttentionRule, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

const KNOWN_ATTRIBUTES = new Set([
  ...['is_causal', 'kv_num_heads', 'q_num_heads', 'scale', 'softcap', 'softmax_precision', 'qk_matmul_output_mode'],
]);
const BOOL_TYPE = 9;

/** Rank of a value: declared, or given by the heads that only 3-dimensional inputs need. */
function rankOf(graph: Graph, node: NodeProto, value: string): number {
  return graph.type(value)?.shape?.length ?? (intAttribute(node, 'q_num_heads', 0) > 0 ? 3 : 4);
}

function headCounts(graph: Graph, node: NodeProto, rank: number, [query, key]: [string, string]): [number, number] {
  if (rank === 3) return [intAttribute(node, 'q_num_heads', 0), intAttribute(node, 'kv_num_heads', 0)];
  const dims = [query, key].map((value) => graph.type(value)?.shape?.[1]);
  require(dims.every((dim) => typeof dim === 'number'), 'its numbers of heads are written nowhere');
  return dims as [number, number];
}

/** Masks of opset 23: boolean ones keep where true, others are added. */
function maskOf(graph: Graph, name: string | undefined): Mask[] {
  if (!name) return [];
  const producer = graph.producer(name);
  const isBool =
    graph.type(name)?.elementType === BOOL_TYPE ||
    (producer !== undefined && /^(And|Or|Not|Less|LessOrEqual|Greater|GreaterOrEqual|Equal)$/.test(producer.opType));
  return [{ name, kind: isBool ? 'allowed' : 'additive' }];
}

/** ai.onnx Attention (opset 23 and later) with a cache, causal by attribute or by its mask. */
export const onnxAttention: AttentionRule = {
  name: 'Attention (opset 23)',
  source: 'Attention',
  isAnchor: (node) => node.opType === 'Attention' && (node.domain === '' || node.domain === 'ai.onnx'),

  match(graph, node) {
    const [query = '', key = '', value = '', mask, pastKey = '', pastValue = ''] = node.input;
    for (const { name } of node.attribute)
      require(KNOWN_ATTRIBUTES.has(name), `its attribute ${name} is not supported`);
    require(!node.input.slice(6).some(Boolean), 'it has inputs beyond its past');
    require(!node.output.slice(3).some(Boolean), 'its scores are an output of their own');
    const isCausal = intAttribute(node, 'is_causal', 0) === 1;
    require(isCausal || mask, 'it is not causal: is_causal is 0 and there is no mask');
    const window = proveCausal(graph, maskOf(graph, mask), isCausal);
    const [output = '', presentKey = '', presentValue = ''] = node.output;
    const cache = checkCache(graph, { pastKey, pastValue, presentKey, presentValue });
    const rank = rankOf(graph, node, query);
    const [numHeads, numKvHeads] = headCounts(graph, node, rank, [query, key]);
    require(numHeads > 0 &&
      numKvHeads > 0 &&
      numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
    const headDim = findHeadDim(graph, {
      cache: [pastKey, presentKey, ...(rank === 4 ? [query, key] : [])],
      query,
      heads: numHeads,
    });
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
        const qkv = [merge(query, numHeads), merge(key, numKvHeads), merge(value, numKvHeads)];
        const merged = rank === 3 ? output : graph.unique(`${output}/merged`);
        if (rank === 4) splitHeads(graph, merged, numHeads, headDim, output);
        const { seqlensK, totalSequenceLength } = addSequenceLengths(graph, pastKey);
        return {
          inputs: [...qkv, pastKey, pastValue, seqlensK, totalSequenceLength, '', '', '', '', ''],
          outputs: [merged, presentKey, presentValue],
        };
      },
    };
  },
};
