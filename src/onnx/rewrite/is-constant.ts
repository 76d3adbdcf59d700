import type { NodeProto } from 'onnx-buf';
import { NotEvaluable } from '../evaluate/tensor.js';
import { type Graph, isStandard } from '../graph.js';
import { analyze, SAMPLE_CALL } from './analysis.js';

/**
 * Calls whose lengths have nothing in common: a dimension that is the same in all of them is no length, nor what is left
 * of one behind some place, which is 0 in short calls.
 */
const CALLS = [
  SAMPLE_CALL,
  { past: 11, sequence: 7 },
  { past: 0, sequence: 13 },
  { past: 150_000, sequence: 1 },
  { past: 0, sequence: 131_101 },
] as const;

/** Ops that take their shape alone, and no number, from the second operand. */
const SHAPED = new Set(['Expand', 'Reshape', 'ConstantOfShape']);
/** Ops that pick elements of the first operand at places that the others give. */
const PICKS = new Set(['Gather', 'Slice', 'Squeeze', 'Unsqueeze', 'Cast', 'Identity']);

const proofs = new WeakMap<Graph, Map<string, boolean>>();

/**
 * Whether a value is the same in every call, whatever the tokens, their number and their positions. It follows from where
 * the value comes from, not from trying: what is 1 at the first positions may grow at later ones.
 */
export function isConstant(graph: Graph, name: string): boolean {
  const known = proofs.get(graph) ?? new Map<string, boolean>();
  proofs.set(graph, known);
  // Deepest first: chains of nodes are long, and no graph has cycles.
  const pending = [name];
  while (pending.length > 0) {
    const next = pending[pending.length - 1]!;
    const missing = known.has(next) ? [] : premises(graph, next).filter((input) => !known.has(input));
    if (missing.length > 0) {
      pending.push(...missing);
      continue;
    }
    pending.pop();
    if (!known.has(next))
      known.set(
        next,
        decide(graph, next, (input) => known.get(input)!),
      );
  }
  return known.get(name)!;
}

/** Values that have to be constant for this one to be. */
function premises(graph: Graph, name: string): string[] {
  const node = graph.producer(name);
  if (!node || isOfShape(graph, node)) return [];
  return numbersOf(node).filter((input) => input !== '');
}

const numbersOf = ({ opType, input }: NodeProto): readonly string[] =>
  opType === 'ConstantOfShape' ? [] : SHAPED.has(opType) ? input.slice(0, 1) : input;

function decide(graph: Graph, name: string, isKnown: (input: string) => boolean): boolean {
  const node = graph.producer(name);
  if (!node) return !graph.isInput(name);
  if (isOfShape(graph, node)) return isSameInAllCalls(graph, name);
  return isStandard(node.domain) && numbersOf(node).every((input) => input === '' || isKnown(input));
}

/** A dimension, or some, read off a shape at constant places. */
function isOfShape(graph: Graph, node: NodeProto): boolean {
  let current: NodeProto | undefined = node;
  while (current && PICKS.has(current.opType) && current.input.slice(1).every((input) => isStored(graph, input))) {
    current = graph.producer(current.input[0] ?? '');
  }
  return current?.opType === 'Shape';
}

const isStored = (graph: Graph, name: string) => name === '' || graph.constant(name) !== null;

function isSameInAllCalls(graph: Graph, name: string): boolean {
  const texts = CALLS.map((call) => {
    try {
      const { data } = analyze(graph, call).value(name);
      return data.some(Number.isNaN) ? undefined : data.join();
    } catch (error) {
      if (!(error instanceof NotEvaluable)) throw error;
      return undefined;
    }
  });
  return texts[0] !== undefined && texts.every((text) => text === texts[0]);
}
