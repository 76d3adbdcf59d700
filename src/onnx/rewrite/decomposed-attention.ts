import { intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import { proveCausal } from './causal-mask.js';
import { findCachedOperand } from './decomposed/key-value.js';
import { findOutput } from './decomposed/output.js';
import { findNumHeads, findQuery } from './decomposed/query.js';
import { findScores } from './decomposed/scores.js';
import { findHeadDim } from './head-dim.js';
import { checkCache } from './kv-cache.js';
import { mergeHeads, splitHeads } from './layout.js';
import { type AttentionRule, NoMatch, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

function numKvHeadsOf(graph: Graph, cache: readonly string[]): number {
  for (const name of cache) {
    const declared = graph.type(name)?.shape?.[1];
    if (typeof declared === 'number') return declared;
  }
  throw new NoMatch('its number of KV heads is written nowhere');
}

/**
 * Attention in single nodes, as Optimum exports it: softmax(scale · q·kᵀ + mask) · v with q already rotated, keys and
 * values put together from past and new rows and repeated for grouped queries. Every part is proved on the way.
 */
export const decomposedAttention: AttentionRule = {
  name: 'decomposed attention',
  source: 'decomposed',
  isAnchor: (node) => node.opType === 'Softmax' && node.domain === '',

  match(graph, node) {
    require([-1, 3].includes(intAttribute(node, 'axis', -1)), 'its softmax is not over the last axis');
    const { product, scale: scoreScale, softcap, masks } = findScores(graph, node);
    const { product: output, name, layout } = findOutput(graph, node);
    const { query, scale: queryScale } = findQuery(graph, product.input[0]!);
    const key = findCachedOperand(graph, product.input[1]!);
    const value = findCachedOperand(graph, output.input[1]!);
    require(key.transposed === 1, 'its keys are not transposed once for the product');
    require(value.transposed === 0 && value.scale === 1, 'its values are scaled or transposed');
    require(masks.length > 0, 'it has no mask: it is not causal');
    const cache = checkCache(graph, {
      pastKey: key.past,
      pastValue: value.past,
      presentKey: key.present,
      presentValue: value.present,
    });
    const window = proveCausal(graph, masks);
    const numKvHeads = numKvHeadsOf(graph, [key.past, key.present]);
    const headDim = findHeadDim(graph, { cache: [key.past, key.present], query, heads: 1 });
    const numHeads = findNumHeads(graph, query, headDim);
    require(numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
    require(key.repeated ||
      numHeads === numKvHeads, `it has ${numHeads} heads, but its ${numKvHeads} KV heads are not repeated`);
    return {
      node,
      source: 'decomposed',
      numHeads,
      numKvHeads,
      headDim,
      attributes: { scale: scoreScale * queryScale * key.scale, softcap, window },
      ...cache,
      wire() {
        const last = layout === 'merged' ? graph.producer(name)! : output;
        const presents = [key.present, value.present].map((present) => graph.producer(present)!);
        for (const replaced of [last, ...presents]) graph.detach(replaced);
        const inputs = [
          mergeHeads(graph, query, numHeads * headDim),
          mergeHeads(graph, key.fresh, numKvHeads * headDim),
          mergeHeads(graph, value.fresh, numKvHeads * headDim),
        ];
        const merged = layout === 'merged' ? name : graph.unique(`${name}/merged`);
        if (layout === 'heads') splitHeads(graph, merged, numHeads, headDim, name);
        const { seqlensK, totalSequenceLength } = addSequenceLengths(graph, key.past);
        return {
          inputs: [...inputs, key.past, value.past, seqlensK, totalSequenceLength, '', '', '', '', ''],
          outputs: [merged, key.present, value.present],
        };
      },
    };
  },
};
