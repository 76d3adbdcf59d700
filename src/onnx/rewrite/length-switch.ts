import type { GraphProto, NodeProto } from 'onnx-buf';
import { Evaluator } from '../evaluate/evaluator.js';
import { NotEvaluable } from '../evaluate/tensor.js';
import { type Graph, isStandard } from '../graph.js';
import { ELEMENT } from '../value-info.js';

/** Graph input, int64 [1]: the tokens that the cache will hold in the end, prompt and answer. */
export const CACHE_LENGTH_INPUT = 'minference.cache_length';

/** No context is longer. */
const MAX_LENGTH = 1 << 21;

/**
 * LongRoPE (Ding et al., 2024, arXiv 2402.13753) as exporters write it: an `If` on the number of tokens so far chooses
 * between tables of angles for short and for long contexts. A prompt in chunks, or an answer, that crosses the switch
 * would have keys of both in one cache, so the choice becomes one of {@link CACHE_LENGTH_INPUT}, the same in every run.
 *
 * @returns the most tokens that the short tables serve; null for a graph without such a choice
 */
export function chooseTablesOnce(graph: Graph): number | null {
  let last: number | null = null;
  for (const node of [...graph.nodes]) {
    if (node.opType !== 'If' || !isStandard(node.domain) || !choosesTables(node)) continue;
    const condition = node.input[0]!;
    const length = lastBeforeSwitch(graph, condition);
    if (length === null) continue;
    const isLongFirst = conditionAt(graph, condition, length) === true;
    if (!graph.isInput(CACHE_LENGTH_INPUT)) graph.addInput(CACHE_LENGTH_INPUT, ELEMENT.int64, [1]);
    graph.setInput(node, 0, compare(graph, isLongFirst ? 'negated' : 'greater', length));
    last = Math.min(last ?? length, length);
  }
  return last;
}

/** Both branches give what is stored: they read nothing from outside. */
const choosesTables = ({ attribute }: NodeProto): boolean =>
  attribute.length === 2 && attribute.every(({ g }) => g !== undefined && isStored(g));

function isStored({ node, initializer, output }: GraphProto): boolean {
  const inside = new Set([...initializer.map(({ name }) => name), ...node.flatMap((each) => each.output)]);
  const reads = [...node.flatMap(({ input }) => input), ...output.map(({ name }) => name)];
  return (
    node.every(({ opType }) => opType === 'Constant' || opType === 'Identity') &&
    reads.every((name) => inside.has(name))
  );
}

/** Adds length > last, or its negation, as a value [1]. */
function compare(graph: Graph, kind: 'greater' | 'negated', last: number): string {
  const name = graph.unique(`minference.is_long.${last}`);
  const limit = graph.addInt64(`${name}.limit`, [last]);
  graph.add({ opType: 'Greater', name, inputs: [CACHE_LENGTH_INPUT, limit], outputs: [name] });
  if (kind === 'greater') return name;
  const negated = graph.unique(`${name}.not`);
  return graph.add({ opType: 'Not', name: negated, inputs: [name], outputs: [negated] });
}

/** The longest context before the condition changes; null when it does not, or depends on more than the number of tokens. */
function lastBeforeSwitch(graph: Graph, condition: string): number | null {
  let [low, high] = [1, MAX_LENGTH];
  const first = conditionAt(graph, condition, low);
  const end = conditionAt(graph, condition, high);
  if (first === null || end === null || first === end) return null;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (conditionAt(graph, condition, middle) === first) low = middle;
    else high = middle;
  }
  return low;
}

/** What the condition is when a context reaches `length` tokens; null when it cannot be told. */
function conditionAt(graph: Graph, condition: string, length: number): boolean | null {
  try {
    const { data } = new Evaluator(graph, { past: length - 1, sequence: 1 }).value(condition);
    return data.length === 1 && !Number.isNaN(data[0]) ? data[0] !== 0 : null;
  } catch (error) {
    if (!(error instanceof NotEvaluable)) throw error;
    return null;
  }
}
