import type { CallLengths } from '../evaluate/call-inputs.js';
import { Evaluator } from '../evaluate/evaluator.js';
import type { Graph } from '../graph.js';
import { NoMatch, require } from './rule.js';

/** The call at which shapes are looked at: a chunk after a past, all lengths different. */
export const SAMPLE_CALL = { past: 3, sequence: 4 } as const;

const evaluators = new WeakMap<Graph, Map<string, Evaluator>>();

/** What calls do to a graph that is being matched; kept per graph, since the layers of a model share most of it. */
export function analyze(graph: Graph, lengths: CallLengths = SAMPLE_CALL): Evaluator {
  const key = `${lengths.past}/${lengths.sequence}`;
  const known = evaluators.get(graph) ?? new Map<string, Evaluator>();
  evaluators.set(graph, known);
  let evaluator = known.get(key);
  if (!evaluator) {
    evaluator = new Evaluator(graph, lengths);
    known.set(key, evaluator);
  }
  return evaluator;
}

/** Shape of a value in the sample call, [batch 1, …]. */
export function shapeOf(graph: Graph, name: string, what: string, rank: number): readonly number[] {
  const shape = analyze(graph).shape(name);
  if (!shape) throw new NoMatch(`the shape of its ${what} cannot be told from the graph`);
  require(shape.length === rank, `expected its ${what} to have ${rank} dimensions, found [${shape.join(', ')}]`);
  return shape;
}

/** TensorProto.DataType of a value. */
export function elementTypeOf(graph: Graph, name: string, what: string): number {
  const type = analyze(graph).elementType(name);
  require(type, `the element type of its ${what} cannot be told from the graph`);
  return type;
}
