import { intAttribute } from '../attribute.js';
import { type Graph, isStandard } from '../graph.js';
import { elementTypeOf, SAMPLE_CALL, shapeOf } from './analysis.js';
import { proveCausal } from './causal-mask.js';
import { type CachedOperand, findCachedOperand } from './decomposed/key-value.js';
import { findOutput } from './decomposed/output.js';
import { findQuery } from './decomposed/query.js';
import { findProduct, findScores } from './decomposed/scores.js';
import { checkCache } from './kv-cache.js';
import { castTo, mergeHeads, splitHeads } from './layout.js';
import { type AttentionRule, require } from './rule.js';
import { addSequenceLengths } from './sequence-lengths.js';

/** Numbers of heads and head_dim, by the shapes of queries, new keys and new values. */
function findHeads(graph: Graph, query: string, key: CachedOperand, value: CachedOperand) {
  const [, numHeads, rows, headDim] = shapeOf(graph, query, 'query', 4) as [number, number, number, number];
  const fresh = shapeOf(graph, key.fresh, 'new keys', 4);
  const numKvHeads = fresh[1]!;
  const expected = [1, numKvHeads, SAMPLE_CALL.sequence, headDim].join(', ');
  require(rows === SAMPLE_CALL.sequence, 'its queries are not the rows of the call');
  require(fresh.join(', ') === expected, `expected new keys of [${expected}], found [${fresh.join(', ')}]`);
  const values = shapeOf(graph, value.fresh, 'new values', 4).join(', ');
  require(values === expected, `expected new values of [${expected}], found [${values}]`);
  require(numKvHeads > 0 && numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
  return { numHeads, numKvHeads, headDim };
}

/**
 * Attention in single nodes, as Optimum exports it: softmax(scale · q·kᵀ + mask) · v with q already rotated, keys and
 * values put together from past and new rows and repeated for grouped queries. Every part is proved on the way.
 */
export const decomposedAttention: AttentionRule = {
  name: 'decomposed attention',
  source: 'decomposed',
  // Routers of experts and samplers have a softmax too, but not of a product of two computed values.
  isAnchor: (graph, node) =>
    node.opType === 'Softmax' && isStandard(node.domain) && findProduct(graph, node.input[0] ?? '') !== null,

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
    const { numHeads, numKvHeads, headDim } = findHeads(graph, query, key, value);
    const window = proveCausal(graph, masks);
    const type = elementTypeOf(graph, key.past, 'cache');
    const resultType = elementTypeOf(graph, name, 'result');
    const operands = [
      { name: query, width: numHeads * headDim, type: elementTypeOf(graph, query, 'query') },
      { name: key.fresh, width: numKvHeads * headDim, type: elementTypeOf(graph, key.fresh, 'new keys') },
      { name: value.fresh, width: numKvHeads * headDim, type: elementTypeOf(graph, value.fresh, 'new values') },
    ];
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
        const inputs = operands.map((operand) => {
          const merged = mergeHeads(graph, operand.name, operand.width);
          return operand.type === type ? merged : castTo(graph, merged, type, graph.unique(`${merged}/cast`));
        });
        const result = layout === 'merged' ? name : graph.unique(`${name}/merged`);
        if (layout === 'heads') splitHeads(graph, result, numHeads, headDim, name);
        const attended = type === resultType ? result : graph.unique(`${result}/uncast`);
        if (attended !== result) castTo(graph, attended, resultType, result);
        const { seqlensK, totalSequenceLength } = addSequenceLengths(graph, key.past);
        return {
          inputs: [...inputs, key.past, value.past, seqlensK, totalSequenceLength, '', '', '', '', ''],
          outputs: [attended, key.present, value.present],
        };
      },
    };
  },
};
