import { intsAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import { elementTypeOf, SAMPLE_CALL, shapeOf } from './analysis.js';
import { type CachedOperand, findCachedOperand } from './decomposed/key-value.js';
import { type CacheNames, checkCache } from './kv-cache.js';
import { mergeHeads } from './layout.js';
import { require } from './rule.js';

/** Keys and values that single nodes put together from past and new rows, before a fused op without a cache. */
export interface OutsideCache {
  key: CachedOperand;
  value: CachedOperand;
  cache: CacheNames;
  numKvHeads: number;
  headDim: number;
}

/** [batch, total, heads · dim] → the [batch, heads, total, dim] that it was merged from. */
export function beforeMerge(graph: Graph, operand: string): string {
  const reshape = graph.producer(operand);
  const transpose = reshape?.opType === 'Reshape' ? graph.producer(reshape.input[0]!) : undefined;
  const isMerge = transpose?.opType === 'Transpose' && intsAttribute(transpose, 'perm')?.join() === '0,2,1,3';
  require(isMerge, 'it has no past, and its keys or values are not past and new rows put together');
  const [, total, heads, dim] = shapeOf(graph, transpose.output[0]!, 'keys or values', 4);
  const merged = shapeOf(graph, operand, 'keys or values', 3).join();
  require(merged === [1, total, heads! * dim!].join(), 'its keys or values are merged in a way that is not known');
  return transpose.input[0]!;
}

/**
 * Walks up from a fused op's keys and values [batch, heads, total, dim] to the cache.
 *
 * @throws {NoMatch}
 */
export function findOutsideCache(graph: Graph, keys: string, values: string): OutsideCache {
  const [key, value] = [findCachedOperand(graph, keys), findCachedOperand(graph, values)];
  for (const { scale, transposed } of [key, value]) {
    require(scale === 1 && transposed === 0, 'its keys or values are scaled or transposed');
  }
  const cache = checkCache(graph, {
    pastKey: key.past,
    pastValue: value.past,
    presentKey: key.present,
    presentValue: value.present,
  });
  const [, numKvHeads, rows, headDim] = shapeOf(graph, key.fresh, 'new keys', 4) as [number, number, number, number];
  const other = shapeOf(graph, value.fresh, 'new values', 4).join();
  require(rows === SAMPLE_CALL.sequence, 'its new keys are not the rows of the call');
  require(other === [1, numKvHeads, rows, headDim].join(), `its new keys and values differ in shape`);
  const type = elementTypeOf(graph, key.past, 'cache');
  const fresh = [key, value].map((operand) => elementTypeOf(graph, operand.fresh, 'new keys or values'));
  require(fresh.every((own) => own === type), 'its cache has another element type than its keys');
  return { key, value, cache, numKvHeads, headDim };
}

/** Takes the nodes that put the cache together out; gives the new keys and values as the ops take them. */
export function detachOutsideCache(graph: Graph, { key, value, numKvHeads, headDim }: OutsideCache): [string, string] {
  for (const { present } of [key, value]) graph.detach(graph.producer(present)!);
  const width = numKvHeads * headDim;
  return [mergeHeads(graph, key.fresh, width), mergeHeads(graph, value.fresh, width)];
}
