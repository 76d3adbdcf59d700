import type { Graph } from '../../graph.js';
import { require } from '../rule.js';
import { MAX_CHAIN, scaledInput } from './chain.js';

/** The query [batch, heads, rows, dim] below its constant factors and casts. */
export function findQuery(graph: Graph, operand: string): { query: string; scale: number } {
  let name = operand;
  let scale = 1;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = graph.producer(name);
    require(node, 'its queries come from a graph input');
    const scaled = scaledInput(graph, node);
    if (!scaled && node.opType !== 'Cast' && node.opType !== 'Identity') break;
    scale *= scaled?.factor ?? 1;
    name = scaled?.input ?? node.input[0]!;
  }
  return { query: name, scale };
}
