import { intAttribute } from '../attribute.js';
import { tokensInput } from '../find-tokens.js';
import type { Graph } from '../graph.js';
import type { AttentionLayer, CarriedState } from '../types.js';
import { analyze } from './analysis.js';
import { type CachePort, canBeBuffer, findCachePort, keepsWindow } from './cache-ports.js';
import { findHeadDim } from './head-dim.js';
import { NoMatch } from './rule.js';

/** How exporters call what continues a past. */
const PRESENT_NAMES: readonly (readonly [RegExp, string])[] = [
  [/past_key_values/, 'present'],
  [/past_key_values/, 'present_key_values'],
  [/past/, 'present'],
  [/past/, 'new'],
];
/** A call whose past is longer than any window. */
const LONG_CALL = { past: 150_000, sequence: 1 } as const;
/** Symbolic dimensions that count tokens are called so. */
const COUNTS_TOKENS = /past|total|seq|len/i;

/**
 * Every input that an output of the same graph continues: KV caches of all kinds, and the states of convolutions and linear
 * attention. Found by the node between them, by the names that the configuration gives, or by the exporters' habits.
 *
 * @param layers - attention by our ops, whose caches have known sizes
 * @param named - input → output, as genai_config.json says it
 */
export function findCarriedStates(
  graph: Graph,
  layers: readonly AttentionLayer[],
  named: ReadonlyMap<string, string> = new Map(),
): CarriedState[] {
  const sizes = new Map(
    layers.flatMap(({ pastKey, pastValue, numKvHeads, headDim }) =>
      [pastKey, pastValue].map((name) => [name, [1, numKvHeads, null, headDim]] as const),
    ),
  );
  const taken = new Set<string>();
  const states: CarriedState[] = [];
  for (const input of graph.inputs) {
    const port = findCachePort(graph, input);
    const output = port?.output ?? continuationByName(graph, input, named);
    if (output === undefined || taken.has(output)) continue;
    const state = describeState(graph, { input, output, port, size: sizes.get(input) });
    if (!state) continue;
    taken.add(output);
    states.push(state);
  }
  return states;
}

function continuationByName(graph: Graph, input: string, named: ReadonlyMap<string, string>): string | undefined {
  const configured = named.get(input);
  if (configured !== undefined && graph.isOutput(configured)) return configured;
  return PRESENT_NAMES.map(([past, present]) => input.replace(past, present)).find(
    (name) => name !== input && graph.isOutput(name),
  );
}

interface Found {
  input: string;
  output: string;
  port: CachePort | undefined;
  size: readonly (number | null)[] | undefined;
}

/** Undefined when the sizes of a state are written nowhere: nobody could make its first one. */
function describeState(graph: Graph, found: Found): CarriedState | undefined {
  const { input, output, port } = found;
  const type = graph.type(input);
  if (!type?.shape) return undefined;
  const declared = type.shape;
  const batch = graph.type(tokensInput(graph) ?? '')?.shape?.[0];
  const isSymbol = (axis: number) => typeof declared[axis] !== 'number';
  const isBatch = (axis: number) => isSymbol(axis) && (axis === 0 || (batch !== '' && declared[axis] === batch));
  const rowsAxis = port ? port.rowsAxis : findRowsAxis(graph, found, declared, isBatch);
  const rows = rowsAxis !== null && isSymbol(rowsAxis) ? rowsAxis : null;
  const shape = declared.map((dim, axis) => {
    if (axis === rows) return null;
    if (typeof dim === 'number') return dim;
    return isBatch(axis) ? 1 : (found.size?.[axis] ?? sizeInCall(graph, found, axis));
  });
  if (shape.some((dim) => dim === undefined)) return undefined;
  const asBuffer = port !== undefined && rowsAxis !== null && canBeBuffer(graph, port.node);
  // A window's cache of a given size is moved by the node that owns it: a fork may not see that.
  const buffer = asBuffer && (rows !== null || !keepsWindow(port.node));
  const keeps = buffer ? 'buffer' : rows !== null ? 'grown' : 'fixed';
  const window = keeps === 'grown' ? windowOf(graph, output, rows!) : null;
  return { input, output, elementType: type.elementType, shape: shape as (number | null)[], keeps, window };
}

/** The first symbolic dimension that counts tokens by its name, or that changes from input to output. */
function findRowsAxis(
  graph: Graph,
  { output }: Found,
  declared: readonly (number | string)[],
  isBatch: (axis: number) => boolean,
): number | null {
  const after = graph.type(output)?.shape;
  const axis = declared.findIndex((dim, at) => {
    if (typeof dim === 'number' || isBatch(at)) return false;
    return COUNTS_TOKENS.test(dim) || (after !== undefined && after[at] !== dim && typeof after[at] === 'string');
  });
  return axis < 0 ? null : axis;
}

/** A dimension that is declared by a symbol only, as the graph computes it. */
function sizeInCall(graph: Graph, { output, port }: Found, axis: number): number | undefined {
  const node = port?.node;
  if (node?.opType === 'GroupQueryAttention') {
    const heads = intAttribute(node, 'num_heads', 0);
    const kvHeads = intAttribute(node, 'kv_num_heads', 0);
    if (axis === 1) return kvHeads;
    if (axis === 3) return headDimOf(graph, node.input[0]!, node.input[1] ? heads : heads + 2 * kvHeads);
  }
  const call = analyze(graph);
  return (call.inferredShape(output) ?? call.shape(output))?.[axis];
}

function headDimOf(graph: Graph, query: string, heads: number): number | undefined {
  try {
    return findHeadDim(graph, { cache: [], query, heads });
  } catch (error) {
    if (error instanceof NoMatch) return undefined;
    throw error;
  }
}

/** How many rows a graph keeps of a long past, where it cuts it. */
function windowOf(graph: Graph, output: string, axis: number): number | null {
  const rows = analyze(graph, LONG_CALL).inferredShape(output)?.[axis];
  return rows !== undefined && rows < LONG_CALL.past ? rows : null;
}
