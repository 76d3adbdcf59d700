import type { Graph } from '../graph.js';

/** Distances that no small call reaches and some prompt does; smaller ones show, larger ones mean "to the end". */
const MIN_DISTANCE = 5;
const MAX_DISTANCE = 1e8;
/** Numbers of one mask: exporters need a handful. */
const MAX_CONSTANTS = 64;

/** Constants a mask is computed from that could be a distance between positions, by name. */
export function distanceConstants(graph: Graph, masks: readonly { name: string }[]): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set<string>();
  const pending = masks.map(({ name }) => name);
  while (pending.length > 0 && found.size < MAX_CONSTANTS) {
    const name = pending.pop()!;
    if (name === '' || seen.has(name)) continue;
    seen.add(name);
    const node = graph.producer(name);
    if (!node || node.opType === 'Constant') {
      const distance = distanceIn(graph.isInput(name) ? null : graph.constant(name));
      if (distance !== null) found.set(name, distance);
      // A shape is a matter of lengths: what it is the shape of says nothing about the mask.
    } else if (node.opType !== 'Shape') pending.push(...node.input);
  }
  return found;
}

function distanceIn(values: readonly number[] | null): number | null {
  const [value] = values ?? [];
  const size = Math.abs(value ?? 0);
  const isDistance = values?.length === 1 && Number.isInteger(value) && size >= MIN_DISTANCE && size < MAX_DISTANCE;
  return isDistance ? value! : null;
}
