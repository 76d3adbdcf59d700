import { floatAttribute, intAttribute } from '../attribute.js';
import { shapeOf } from './analysis.js';
import { type Mask, proveCausal } from './causal-mask.js';
import { findHeadDim } from './head-dim.js';
import { checkCache } from './kv-cache.js';
import { type AttentionRule, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

const KNOWN_ATTRIBUTES = new Set(['num_heads', 'scale', 'unidirectional', 'mask_filter_value']);

/** com.microsoft.MultiHeadAttention with a cache, causal by attribute or by its bias. */
export const multiHeadAttention: AttentionRule = {
  name: 'MultiHeadAttention',
  source: 'MultiHeadAttention',
  isAnchor: (_, node) => node.opType === 'MultiHeadAttention' && node.domain === 'com.microsoft',

  match(graph, node) {
    const [query = '', key = '', value = '', bias, padding, attentionBias, pastKey = '', pastValue = ''] = node.input;
    for (const { name } of node.attribute)
      require(KNOWN_ATTRIBUTES.has(name), `its attribute ${name} is not supported`);
    require(query && key && value, 'it has packed queries, keys and values, or none of its own (cross attention)');
    require(!bias, 'it has projection biases inside');
    require(!node.input.slice(8).some(Boolean), 'it has inputs beyond its past');
    require(!node.output.slice(3).some(Boolean), 'its scores are an output of their own');
    const unidirectional = intAttribute(node, 'unidirectional', 0) === 1;
    require(unidirectional || attentionBias, 'it is not causal: unidirectional is 0 and there is no mask');
    const masks: Mask[] = [];
    if (attentionBias) masks.push({ name: attentionBias, kind: 'additive' });
    if (padding) masks.push({ name: padding, kind: 'allowed' });
    const window = proveCausal(graph, masks, unidirectional);
    const [output, presentKey = '', presentValue = ''] = node.output as [string, string?, string?];
    const cache = checkCache(graph, { pastKey, pastValue, presentKey, presentValue });
    const numHeads = intAttribute(node, 'num_heads', 0);
    require(numHeads > 0, 'it has no num_heads');
    const headDim = findHeadDim(graph, { cache: [pastKey, presentKey], query, heads: numHeads });
    for (const [name, what] of [
      [query, 'query'],
      [key, 'keys'],
      [value, 'values'],
    ] as const) {
      const width = shapeOf(graph, name, what, 3)[2];
      require(width === numHeads * headDim, `its ${what} are ${width} wide, not ${numHeads} heads of ${headDim}`);
    }
    return {
      node,
      source: 'MultiHeadAttention',
      numHeads,
      numKvHeads: numHeads,
      headDim,
      attributes: { scale: floatAttribute(node, 'scale', 0), window },
      ...cache,
      wire() {
        graph.detach(node);
        const { seqlensK, totalSequenceLength } = addSequenceLengths(graph, pastKey);
        return {
          inputs: [query, key, value, pastKey, pastValue, seqlensK, totalSequenceLength, '', '', '', '', ''],
          outputs: [output, presentKey, presentValue],
        };
      },
    };
  },
};
