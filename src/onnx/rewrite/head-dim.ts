import type { Graph } from '../graph.js';
import { analyze } from './analysis.js';
import { NoMatch } from './rule.js';

/**
 * head_dim of an attention node: from the cache's declared shape, else from the width of the query and its number of
 * heads (packed QKV counts the key and value heads too).
 */
export function findHeadDim(graph: Graph, options: { cache: readonly string[]; query: string; heads: number }): number {
  for (const name of options.cache) {
    const declared = graph.type(name)?.shape?.at(-1);
    if (typeof declared === 'number' && declared > 0) return declared;
  }
  const width = analyze(graph).shape(options.query)?.at(-1);
  if (width && width % options.heads === 0) return width / options.heads;
  throw new NoMatch('its head_dim is written nowhere: neither the cache nor the query has a known last dimension');
}
