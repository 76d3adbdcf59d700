import { NotEvaluable } from '../evaluate/tensor.js';
import type { Graph } from '../graph.js';
import { analyze } from './analysis.js';
import { isConstant } from './is-constant.js';
import { require } from './rule.js';

/** Distances that no small call reaches and some prompt does; smaller ones show, larger ones mean "to the end". */
const MIN_DISTANCE = 5;
const MAX_DISTANCE = 1e8;
/** Numbers of one mask: exporters need a handful. */
const MAX_DISTANCES = 64;

/** Single numbers a mask is computed from, stored or computed, that could be a distance between positions, by name. */
export function distances(graph: Graph, masks: readonly { name: string }[]): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set<string>();
  const pending = masks.map(({ name }) => name);
  while (pending.length > 0) {
    const name = pending.pop()!;
    if (name === '' || seen.has(name)) continue;
    seen.add(name);
    const distance = distanceIn(graph, name);
    if (distance !== null) found.set(name, distance);
    require(found.size <= MAX_DISTANCES, `its mask is computed from more than ${MAX_DISTANCES} numbers`);
    const node = graph.producer(name);
    // A shape is a matter of lengths: what it is the shape of says nothing about the mask.
    if (node && node.opType !== 'Shape') pending.push(...node.input);
  }
  return found;
}

function distanceIn(graph: Graph, name: string): number | null {
  if (graph.isInput(name) || !isConstant(graph, name)) return null;
  try {
    const { data } = analyze(graph).value(name);
    const size = Math.abs(data[0] ?? 0);
    const isDistance = data.length === 1 && size >= MIN_DISTANCE && size < MAX_DISTANCE;
    return isDistance ? data[0]! : null;
  } catch (error) {
    if (!(error instanceof NotEvaluable)) throw error;
    return null;
  }
}
