import type { CarriedState, LeftAloneLayer, SkippedNode } from '../types.js';

/** An attention of the graph, in graph order: taken over (`cache` is its past key), or left alone. */
export interface PlacedAttention {
  node: string;
  cache: string | null;
  skipped: SkippedNode | null;
  numHeads: number;
}

const LAYER_IN_NODE = /(?:^|[./_])(?:layers?|blocks?|h)[./_](\d+)(?=[./_]|$)/;

/** The one number in a name of a state, `past_key_values.3.key` or `past_key_3`. */
function numberInState(name: string): number | null {
  const numbers = name.match(/\d+/g);
  return numbers?.length === 1 ? Number(numbers[0]) : null;
}

function numberInNode(name: string): number | null {
  const match = LAYER_IN_NODE.exec(name);
  return match ? Number(match[1]) : null;
}

/**
 * Which of the model's layers every attention is: by the exporters' names of nodes and caches where all of them make
 * sense together, else by the order in the graph.
 *
 * @param numLayers - as the configuration says
 */
export function numberAttentions(attentions: readonly PlacedAttention[], numLayers = Infinity): number[] {
  const bound = Math.max(numLayers, attentions.length);
  const numbers: number[] = [];
  for (const { node, cache } of attentions) {
    const named = numberInNode(node) ?? (cache === null ? null : numberInState(cache));
    numbers.push(named ?? (numbers.at(-1) ?? -1) + 1);
  }
  const taken = numbers.filter((_, index) => attentions[index]!.skipped === null);
  const ascend = numbers.every((number, index) => index === 0 || number >= numbers[index - 1]!);
  const makeSense = ascend && new Set(taken).size === taken.length && numbers.every((number) => number < bound);
  return makeSense ? numbers : attentions.map((_, index) => index);
}

/**
 * The layers that stay as they are: with attention that was left alone, with states of another kind, or with nothing that
 * the graph names.
 */
export function leftAloneLayers(
  attentions: readonly PlacedAttention[],
  numbers: readonly number[],
  states: readonly CarriedState[],
  numLayers = 0,
): { leftAlone: LeftAloneLayer[]; numLayers: number } {
  const found = new Map<number, LeftAloneLayer>();
  const taken = new Set<number>();
  for (const [index, { node, skipped, numHeads }] of attentions.entries()) {
    const layer = numbers[index]!;
    if (skipped === null) taken.add(layer);
    else if (!found.has(layer))
      found.set(layer, { layer, node, opType: skipped.opType, reason: skipped.reason, numHeads });
  }
  for (const { input } of states) {
    const layer = numberInState(input);
    if (layer === null || taken.has(layer) || found.has(layer)) continue;
    found.set(layer, { layer, node: input, opType: null, reason: `no attention, it carries ${input}`, numHeads: 0 });
  }
  const total = Math.max(numLayers, ...[...taken, ...found.keys()].map((layer) => layer + 1));
  const leftAlone = Array.from({ length: total }, (_, layer) => layer)
    .filter((layer) => !taken.has(layer))
    .map((layer) => found.get(layer) ?? nameless(layer));
  return { leftAlone, numLayers: total };
}

const nameless = (layer: number): LeftAloneLayer => ({
  layer,
  node: null,
  opType: null,
  reason: 'no attention was found in it',
  numHeads: 0,
});
