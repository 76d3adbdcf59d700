import type { CallLengths } from '../evaluate/call-inputs.js';
import { Evaluator } from '../evaluate/evaluator.js';
import { NotEvaluable, NotRunnable, type SmallTensor } from '../evaluate/tensor.js';
import type { Graph } from '../graph.js';
import { analyze, SAMPLE_CALL } from './analysis.js';
import { isConstant } from './is-constant.js';
import { distances } from './mask-distances.js';
import { NoMatch, require } from './rule.js';

/** Additive masks write float16's or float32's lowest value, or -inf; anything this low removes a key. */
export const MASKED_BELOW = -1e4;
/** Small calls show every row's mask whole; the long ones show windows, which small calls cannot. */
const SMALL_CALLS: readonly CallLengths[] = [{ past: 0, sequence: 5 }, SAMPLE_CALL, { past: 6, sequence: 1 }];
/** At two lengths, to tell a sliding window from chunks of fixed places. */
const LONG_CALL: CallLengths = { past: 150_000, sequence: 1 };
const OTHER_LONG_CALL: CallLengths = { past: 131_101, sequence: 1 };

function evaluate(graph: Graph, name: string, lengths: CallLengths, by = analyze(graph, lengths)): SmallTensor {
  try {
    return by.value(name);
  } catch (error) {
    if (!(error instanceof NotEvaluable) || error instanceof NotRunnable) throw error;
    throw new NoMatch(`it cannot be shown that ${name} is constant or a causal mask: ${error.message}`);
  }
}

/** The one value of a number, or of equal numbers, that is the same in every call. */
export function constantScalar(graph: Graph, name: string): number {
  const direct = graph.constant(name);
  require(direct ||
    isConstant(graph, name), `${name} may depend on positions, lengths or tokens: it is no constant number`);
  const values = direct ?? constantIn(graph, name, SAMPLE_CALL);
  const [value] = values;
  require(value !== undefined && values.every((element) => element === value), `${name} is no constant number`);
  return value;
}

function constantIn(graph: Graph, name: string, lengths: CallLengths): number[] {
  try {
    return [...evaluate(graph, name, lengths).data];
  } catch (error) {
    if (error instanceof NotRunnable) throw new NoMatch(`${name} is no constant number: ${error.message}`);
    throw error;
  }
}

/** A mask as a question: does a row at `past + row` see `key`? Heads and batch must agree. */
type Sees = (row: number, key: number) => boolean;

function readMask(mask: SmallTensor, kind: Mask['kind'], rows: number, keys: number): Sees {
  const [maskRows, maskKeys] = [mask.shape.at(-2) ?? 1, mask.shape.at(-1) ?? 1];
  const size = maskRows * maskKeys;
  const isRepeated = mask.data.every((value, at) => at < size || Object.is(value, mask.data[at % size]));
  require(isRepeated, 'its mask differs between heads');
  require([1, rows].includes(maskRows) && [1, keys].includes(maskKeys), `its mask is [${mask.shape.join(', ')}]`);
  return (row, key) => {
    const value = mask.data[(maskRows === 1 ? 0 : row * maskKeys) + (maskKeys === 1 ? 0 : key)]!;
    require(!Number.isNaN(value), `its mask is not known for row ${row} and key ${key} before the call`);
    if (kind === 'allowed') return value !== 0;
    if (kind === 'masked') return value === 0;
    if (value === 0) return true;
    require(value <= MASKED_BELOW, `its mask adds ${value} to scores: a bias, not a mask`);
    return false;
  };
}

/** One mask of a score matrix; several combine. */
export interface Mask {
  name: string;
  /** additive: 0 or very low; allowed: boolean, true keeps; masked: boolean, true removes. */
  kind: 'additive' | 'allowed' | 'masked';
}

const allSee = (graph: Graph, masks: readonly Mask[], lengths: CallLengths, by?: Evaluator): Sees => {
  const keys = lengths.past + lengths.sequence;
  const values = masks.map(({ name }) => evaluate(graph, name, lengths, by));
  const sees = masks.map(({ kind }, i) => readMask(values[i]!, kind, lengths.sequence, keys));
  return (row, key) => sees.every((see) => see(row, key));
};

/**
 * Proves by evaluation that masks together are causal, for unpadded calls with and without a past.
 *
 * @param implied - the op itself is causal already
 * @returns the sliding window in tokens, or null when rows see all earlier keys
 * @throws {NoMatch}
 */
export function proveCausal(graph: Graph, given: readonly Mask[], implied = false): number | null {
  const masks = given.map((mask) => ({ ...mask, name: beforeRepetition(graph, mask.name) }));
  const known = proofs.get(graph) ?? new Map<string, number | null | NoMatch>();
  proofs.set(graph, known);
  const calls = [...SMALL_CALLS, LONG_CALL, OTHER_LONG_CALL];
  const identities = calls.map((call) => masks.map(({ name, kind }) => [kind, analyze(graph, call).identity(name)]));
  const key = JSON.stringify([implied, masks.length > 0 ? identities : null]);
  let proof = known.get(key);
  if (proof === undefined) {
    proof = tryProof(graph, masks, implied);
    known.set(key, proof);
  }
  if (proof instanceof NoMatch) throw proof;
  return proof;
}

/** A mask that is repeated for every head is looked at once. */
function beforeRepetition(graph: Graph, name: string): string {
  const node = graph.producer(name);
  if (node?.opType !== 'Tile') return name;
  const repeats = graph.constant(node.input[1] ?? '');
  return repeats && repeats.length > 2 && repeats.slice(-2).every((times) => times === 1) ? node.input[0]! : name;
}

/** What was proved of a graph's masks: the layers of a model have the same ones under different names. */
const proofs = new WeakMap<Graph, Map<string, number | null | NoMatch>>();

function tryProof(graph: Graph, masks: readonly Mask[], implied: boolean): number | null | NoMatch {
  try {
    return prove(graph, masks, implied);
  } catch (error) {
    if (error instanceof NoMatch) return error;
    if (error instanceof NotRunnable) return new NoMatch(`its mask has no sense: ${error.message}`);
    throw error;
  }
}

function prove(graph: Graph, masks: readonly Mask[], implied: boolean): number | null {
  const window = masks.length === 0 ? null : findWindow(graph, masks, implied);
  for (const lengths of SMALL_CALLS) {
    const sees = tryAllSee(graph, masks, lengths);
    if (!sees) continue;
    for (let row = 0; row < lengths.sequence; row++) {
      const position = lengths.past + row;
      for (let key = 0; key < lengths.past + lengths.sequence; key++) {
        const seen = sees(row, key) && (!implied || key <= position);
        if (seen === (key <= position && (window === null || key > position - window))) continue;
        throw new NoMatch(`its mask is not causal: row ${position} ${seen ? 'sees' : 'does not see'} key ${key}`);
      }
    }
  }
  return window;
}

/**
 * Some graphs take several rows with an empty past or one row with any: their masks are squares. Null for a call that such
 * a graph cannot run.
 */
function tryAllSee(graph: Graph, masks: readonly Mask[], lengths: CallLengths): Sees | null {
  try {
    return allSee(graph, masks, lengths);
  } catch (error) {
    if (error instanceof NotRunnable && lengths.past > 0 && lengths.sequence > 1) return null;
    throw error;
  }
}

/** How many of its last keys a late row sees; null: all. */
function findWindow(graph: Graph, masks: readonly Mask[], implied: boolean): number | null {
  const window = windowAt(graph, masks, LONG_CALL);
  const other = window === null ? null : windowAt(graph, masks, OTHER_LONG_CALL);
  require(other === window, `its mask is no sliding window: rows see ${window} keys here and ${other ?? 'all'} there`);
  requireSameWindowForRows(graph, masks, window, implied);
  return window;
}

function windowAt(graph: Graph, masks: readonly Mask[], lengths: CallLengths): number | null {
  const keys = lengths.past + lengths.sequence;
  const sees = allSee(graph, masks, lengths);
  let window = 0;
  while (window < keys && sees(0, keys - 1 - window)) window++;
  if (window === keys) return null;
  require(window > 0, `its mask is not causal: row ${lengths.past} does not see itself`);
  for (let key = 0; key < keys - window; key++) {
    require(!sees(0, key), `its mask has holes: row ${lengths.past} sees key ${key}, but not key ${keys - 1 - window}`);
  }
  return window;
}

/** Calls whose rows see more keys than {@link NEAR}: without a past, after one, and of one row. */
const WINDOWED_CALLS: readonly CallLengths[] = [
  { past: 0, sequence: 12 },
  { past: 5, sequence: 12 },
  { past: 14, sequence: 1 },
];
/** What replaces a distance to bring its edge into those calls. */
const NEAR = 3;

/**
 * Some masks count a window from the first row of a call instead of from each row's position: one row of a long call shows
 * nothing of it, and no call of thousands of rows is small enough to be looked at. So what could be a distance is made
 * small instead, one number at a time: that must hide nothing, or the same window from every row of every call.
 */
function requireSameWindowForRows(graph: Graph, masks: readonly Mask[], window: number | null, implied: boolean): void {
  for (const [name, distance] of distances(graph, masks)) {
    const replaced = new Map([[name, Math.sign(distance) * NEAR]]);
    const windows = WINDOWED_CALLS.flatMap((call) => windowsOfRows(graph, masks, call, replaced, implied));
    const isSame = windows.every((each) => each === windows[0]);
    const isHidden = windows.some((each) => each !== null);
    require(isSame &&
      (!isHidden ||
        window !==
          null), `its mask has a window that depends on the rows of a call, or is very long (${distance} in ${name})`);
  }
}

/**
 * How many of its last keys the rows of a call see, null for all of them; NaN for a row with holes or that sees later keys.
 * Empty: not to be told.
 */
function windowsOfRows(
  graph: Graph,
  masks: readonly Mask[],
  call: CallLengths,
  replaced: ReadonlyMap<string, number>,
  implied: boolean,
): (number | null)[] {
  try {
    const all = allSee(graph, masks, call, new Evaluator(graph, call, replaced));
    const sees: Sees = (row, key) => all(row, key) && (!implied || key <= call.past + row);
    const windows = Array.from({ length: call.sequence }, (_, row) => windowOfRow(sees, row, call));
    // The first rows see all keys of any window.
    return windows.filter((window, row) => window !== null || call.past + row >= NEAR + 1);
  } catch (error) {
    // The number meant something else: a size, an end, a filler.
    if (!(error instanceof NoMatch) && !(error instanceof NotEvaluable)) throw error;
    return [];
  }
}

function windowOfRow(sees: Sees, row: number, { past, sequence }: CallLengths): number | null {
  const position = past + row;
  for (let key = position + 1; key < past + sequence; key++) if (sees(row, key)) return Number.NaN;
  let window = 0;
  while (window <= position && sees(row, position - window)) window++;
  if (window > position) return null;
  for (let key = 0; key < position - window; key++) if (sees(row, key)) return Number.NaN;
  return window;
}
