import type { Graph } from '../graph.js';
import { ELEMENT } from '../value-info.js';
import { require } from './rule.js';

export interface CacheNames {
  pastKey: string;
  pastValue: string;
  presentKey: string;
  presentValue: string;
}

const FLOATS: readonly number[] = [ELEMENT.float32, ELEMENT.float16, ELEMENT.bfloat16];

/** Checks that a layer's cache enters and leaves the graph directly, as floating point numbers. */
export function checkCache(graph: Graph, names: CacheNames): CacheNames {
  for (const [what, name] of [
    ['past key', names.pastKey],
    ['past value', names.pastValue],
  ] as const) {
    require(name && graph.isInput(name), `expected its ${what} to be a graph input, found ${name || 'none'}`);
    const type = graph.type(name)?.elementType ?? ELEMENT.float32;
    require(FLOATS.includes(type), `its KV cache is quantised: ${name} has element type ${type}`);
  }
  for (const [what, name] of [
    ['present key', names.presentKey],
    ['present value', names.presentValue],
  ] as const) {
    require(name && graph.isOutput(name), `expected its ${what} to be a graph output, found ${name || 'none'}`);
  }
  return names;
}
