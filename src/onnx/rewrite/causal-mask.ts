import { Evaluator } from '../evaluate/evaluator.js';
import { NotEvaluable, type SmallTensor } from '../evaluate/tensor.js';
import type { Graph } from '../graph.js';
import { NoMatch, require } from './rule.js';

/** Additive masks write float16's or float32's lowest value, or -inf; anything this low removes a key. */
const MASKED_BELOW = -1e4;
/** Small calls show every row's mask whole; the long one shows windows, which small calls cannot. */
const SMALL_CALLS = [
  { past: 0, sequence: 5 },
  { past: 3, sequence: 4 },
  { past: 6, sequence: 1 },
] as const;
const LONG_CALL = { past: 150_000, sequence: 1 } as const;

const evaluators = new WeakMap<Graph, Map<string, Evaluator>>();

/** Evaluators are kept per graph: the layers of a model share most of their masks. */
function evaluatorFor(graph: Graph, lengths: { past: number; sequence: number }): Evaluator {
  const key = `${lengths.past}/${lengths.sequence}`;
  const cache = evaluators.get(graph) ?? new Map<string, Evaluator>();
  evaluators.set(graph, cache);
  let evaluator = cache.get(key);
  if (!evaluator) {
    evaluator = new Evaluator(graph, lengths);
    cache.set(key, evaluator);
  }
  return evaluator;
}

function evaluate(graph: Graph, name: string, lengths: { past: number; sequence: number }): SmallTensor {
  try {
    return evaluatorFor(graph, lengths).value(name);
  } catch (error) {
    if (!(error instanceof NotEvaluable)) throw error;
    throw new NoMatch(`it cannot be shown that ${name} is constant or a causal mask: ${error.message}`);
  }
}

/** The one value of a scalar that is the same for every call. */
export function constantScalar(graph: Graph, name: string): number {
  const direct = graph.constant(name);
  if (direct) {
    require(direct.length === 1, `expected ${name} to be one number, found ${direct.length}`);
    return direct[0]!;
  }
  const values = SMALL_CALLS.map((lengths) => evaluate(graph, name, lengths));
  require(values.every(
    ({ data }) => data.length === 1 && data[0] === values[0]!.data[0],
  ), `${name} is no constant number`);
  return values[0]!.data[0]!;
}

/** A mask as a question: does a row at `past + row` see `key`? Heads and batch must agree. */
type Sees = (row: number, key: number) => boolean;

function readMask(mask: SmallTensor, kind: 'additive' | 'allowed' | 'masked', rows: number, keys: number): Sees {
  const [maskRows, maskKeys] = [mask.shape.at(-2) ?? 1, mask.shape.at(-1) ?? 1];
  require(mask.data.length === maskRows * maskKeys, 'its mask differs between heads');
  require([1, rows].includes(maskRows) && [1, keys].includes(maskKeys), `its mask is [${mask.shape.join(', ')}]`);
  return (row, key) => {
    const value = mask.data[(maskRows === 1 ? 0 : row * maskKeys) + (maskKeys === 1 ? 0 : key)]!;
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

/**
 * Proves by evaluation that masks together are causal, for unpadded calls with and without a past.
 *
 * @param implied - the op itself is causal already
 * @returns the sliding window in tokens, or null when rows see all earlier keys
 * @throws {NoMatch}
 */
export function proveCausal(graph: Graph, masks: readonly Mask[], implied = false): number | null {
  for (const lengths of SMALL_CALLS) {
    const keys = lengths.past + lengths.sequence;
    const sees = masks.map(({ name, kind }) => readMask(evaluate(graph, name, lengths), kind, lengths.sequence, keys));
    for (let row = 0; row < lengths.sequence; row++) {
      for (let key = 0; key < keys; key++) {
        const seen = sees.every((see) => see(row, key)) && (!implied || key <= lengths.past + row);
        const causal = key <= lengths.past + row;
        if (seen === causal) continue;
        throw new NoMatch(
          `its mask is not causal: row ${lengths.past + row} ${seen ? 'sees' : 'does not see'} key ${key}`,
        );
      }
    }
  }
  return findWindow(graph, masks);
}

function findWindow(graph: Graph, masks: readonly Mask[]): number | null {
  const keys = LONG_CALL.past + LONG_CALL.sequence;
  const sees = masks.map(({ name, kind }) => readMask(evaluate(graph, name, LONG_CALL), kind, 1, keys));
  const seen = (key: number) => sees.every((see) => see(0, key));
  let window = 0;
  while (window < keys && seen(keys - 1 - window)) window++;
  if (window === keys) return null;
  for (let key = 0; key < keys - window; key++)
    require(!seen(key), `its mask has holes: key ${key} of ${keys} is seen`);
  return window;
}
