import { tokensInput } from '../find-tokens.js';
import type { Graph } from '../graph.js';
import { fromValues, type SmallTensor } from './tensor.js';

/** Lengths of one call; the batch is 1 and nothing is padded. */
export interface CallLengths {
  past: number;
  sequence: number;
}

const PAST_LENGTH_AXIS = 2;
const RAMPS = /position_ids|cache_position/;

const rankOf = (graph: Graph, name: string) => graph.type(name)?.shape?.length;

/** What a graph input holds during a call, where its name says so; undefined for tokens, caches and the unknown. */
export function inputValue(graph: Graph, name: string, { past, sequence }: CallLengths): SmallTensor | undefined {
  const rank = rankOf(graph, name);
  if (/attention_mask/.test(name) && (rank ?? 2) === 2) {
    return fromValues([1, past + sequence], new Float64Array(past + sequence).fill(1));
  }
  if (!RAMPS.test(name)) return undefined;
  const ramp = Float64Array.from({ length: sequence }, (_, i) => past + i);
  if (rank === 1) return fromValues([sequence], ramp);
  return (rank ?? 2) === 2 ? fromValues([1, sequence], ramp) : undefined;
}

/** Known dimensions of an input by role; undefined where its declaration decides. */
function roleDims(graph: Graph, name: string, { past, sequence }: CallLengths): (number | undefined)[] {
  const value = inputValue(graph, name, { past, sequence });
  if (value) return [...value.shape];
  if (/position_ids|inputs_embeds/.test(name) || name === tokensInput(graph)) {
    const rank = rankOf(graph, name) ?? 2;
    return rank === 3 && /position_ids/.test(name) ? [undefined, 1, sequence] : [1, sequence];
  }
  const isCache = /past/.test(name) && rankOf(graph, name) === 4;
  return isCache ? [1, undefined, past] : [];
}

/** What symbolic dimensions stand for in a call, from the inputs whose meaning is known; contradictions are left out. */
function bindSymbols(graph: Graph, lengths: CallLengths): Map<string, number> {
  const symbols = new Map<string, number>();
  const contradicted = new Set<string>();
  for (const name of graph.inputs) {
    for (const [axis, length] of roleDims(graph, name, lengths).entries()) {
      const dim = graph.type(name)?.shape?.[axis];
      if (typeof dim !== 'string' || dim === '' || length === undefined) continue;
      if ((symbols.get(dim) ?? length) !== length) contradicted.add(dim);
      symbols.set(dim, length);
    }
  }
  for (const dim of contradicted) symbols.delete(dim);
  return symbols;
}

/** Shapes of inputs and declared values at the lengths of a call. */
export class CallShapes {
  readonly #graph: Graph;
  readonly #lengths: CallLengths;
  readonly #symbols: ReadonlyMap<string, number>;

  constructor(graph: Graph, lengths: CallLengths) {
    this.#graph = graph;
    this.#lengths = lengths;
    this.#symbols = bindSymbols(graph, lengths);
  }

  /** null where a dimension stays unknown. */
  declared(name: string): number[] | null {
    const shape = this.partial(name);
    return shape?.every((dim) => !Number.isNaN(dim)) ? shape : null;
  }

  /** Unknown dimensions are NaN; null where their number is not known. */
  partial(name: string): number[] | null {
    const graph = this.#graph;
    const role = graph.isInput(name) ? roleDims(graph, name, this.#lengths) : [];
    const shape = graph.type(name)?.shape ?? (role.length > PAST_LENGTH_AXIS ? undefined : role);
    if (!shape || (shape.length === 0 && !graph.type(name)?.shape)) return null;
    return shape.map((dim, axis) =>
      typeof dim === 'number' ? dim : (role[axis] ?? this.#symbols.get(dim ?? '') ?? Number.NaN),
    );
  }
}
