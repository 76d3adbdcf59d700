import { intsAttribute } from '../../attribute.js';
import type { Graph } from '../../graph.js';
import { lastDimension } from '../head-dim.js';
import { NoMatch, require } from '../rule.js';
import { MAX_CHAIN, scaledInput } from './chain.js';

/** How far up the number of heads is looked for, counted in values seen. */
const MAX_VALUES = 64;

/** The query [batch, heads, rows, dim] below its constant factors. */
export function findQuery(graph: Graph, operand: string): { query: string; scale: number } {
  let name = operand;
  let scale = 1;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = graph.producer(name);
    require(node, 'its queries come from a graph input');
    const scaled = scaledInput(graph, node);
    if (!scaled) break;
    scale *= scaled.factor;
    name = scaled.input;
  }
  return { query: name, scale };
}

/** Number of heads of a [batch, heads, rows, dim] value: declared, or where its heads were split. */
export function findNumHeads(graph: Graph, query: string, headDim: number): number {
  const declared = graph.type(query)?.shape?.[1];
  if (typeof declared === 'number') return declared;
  const pending = [query];
  for (let seen = 0; seen < MAX_VALUES && pending.length > 0; seen++) {
    const node = graph.producer(pending.shift()!);
    if (!node) continue;
    const split = node.opType === 'Reshape' ? graph.constant(node.input[1]!) : null;
    if (split?.length === 4 && split[3] === headDim) {
      if (split[2]! > 0) return split[2]!;
      const width = lastDimension(graph, node.input[0]!);
      if (width !== null && width % headDim === 0) return width / headDim;
    }
    if (node.opType === 'Transpose' && intsAttribute(node, 'perm')?.join() !== '0,2,1,3') continue;
    pending.push(...node.input.filter(Boolean));
  }
  throw new NoMatch('its number of heads is written nowhere');
}
