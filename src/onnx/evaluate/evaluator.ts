import type { Graph } from '../graph.js';
import { tensorShape, tensorValues } from '../tensor-values.js';
import { OPS } from './ops.js';
import { fromValues, NotEvaluable, normalizeAxis, type SmallTensor, zeros } from './tensor.js';

/** Lengths of one call at which a graph's mask is evaluated; the batch is 1 and nothing is padded. */
export interface CallLengths {
  past: number;
  sequence: number;
}

const PAST_LENGTH_AXIS = 2;
/** Ops whose output has the shape of their first input. */
const SHAPE_PRESERVING = new Set([
  'Cast',
  'Identity',
  'Mul',
  'Add',
  'Div',
  'SimplifiedLayerNormalization',
  'LayerNormalization',
]);

/**
 * Computes small values of a graph (masks, positions, scales) for given lengths, from shapes and constants alone. It
 * never touches weights: what depends on hidden states is {@link NotEvaluable}.
 */
export class Evaluator {
  readonly #values = new Map<string, SmallTensor>();
  readonly #graph: Graph;
  readonly #lengths: CallLengths;
  readonly #symbols = new Map<string, number>();

  constructor(graph: Graph, lengths: CallLengths) {
    this.#graph = graph;
    this.#lengths = lengths;
    this.#bindSymbols();
  }

  /** @throws {NotEvaluable} */
  value(name: string): SmallTensor {
    const pending = [name];
    while (pending.length > 0) {
      const next = pending[pending.length - 1]!;
      if (this.#values.has(next)) {
        pending.pop();
        continue;
      }
      const missing = this.#missingInputs(next);
      if (missing.length > 0) {
        if (pending.length > 10_000) throw new NotEvaluable('a chain of more than 10,000 values');
        pending.push(...missing);
        continue;
      }
      this.#values.set(next, this.#compute(next));
      pending.pop();
    }
    return this.#values.get(name)!;
  }

  #missingInputs(name: string): string[] {
    const node = this.#graph.producer(name);
    if (!node || node.opType === 'Shape') return [];
    if (!OPS[node.opType] || node.domain !== '') throw new NotEvaluable(`${node.opType} ${node.name}`);
    return node.input.filter((input) => input !== '' && !this.#values.has(input));
  }

  #compute(name: string): SmallTensor {
    const tensor = this.#graph.initializer(name);
    if (tensor) {
      const values = tensorValues(tensor);
      if (!values) throw new NotEvaluable(`the weight ${name}`);
      return fromValues(tensorShape(tensor), values);
    }
    const node = this.#graph.producer(name);
    if (!node) return this.#input(name);
    if (node.opType === 'Shape') {
      const shape = this.#shape(node.input[0]!);
      const int = (key: string, fallback: number) => Number(node.attribute.find((a) => a.name === key)?.i ?? fallback);
      const part = shape.slice(int('start', 0), int('end', shape.length));
      return fromValues([part.length], part);
    }
    if (node.output.length !== 1) throw new NotEvaluable(`${node.opType} with several outputs`);
    return OPS[node.opType]!(
      node,
      node.input.map((input) => (input === '' ? undefined : this.#values.get(input)!)),
    );
  }

  #input(name: string): SmallTensor {
    const { past, sequence } = this.#lengths;
    const ramp = (length: number, from: number) => Array.from({ length }, (_, i) => from + i);
    if (/attention_mask/.test(name))
      return fromValues([1, past + sequence], new Array<number>(past + sequence).fill(1));
    if (/position_ids/.test(name)) return fromValues([1, sequence], ramp(sequence, past));
    if (/cache_position/.test(name)) return fromValues([sequence], ramp(sequence, past));
    if (/input_ids/.test(name)) return zeros([1, sequence]);
    throw new NotEvaluable(`the input ${name}`);
  }

  /** Learns what symbolic dimensions stand for, from the inputs whose meaning is known. */
  #bindSymbols(): void {
    const { past, sequence } = this.#lengths;
    const bind = (name: string, lengths: readonly (number | undefined)[]) => {
      const shape = this.#graph.type(name)?.shape;
      for (const [axis, length] of lengths.entries()) {
        const dim = shape?.[axis];
        if (typeof dim === 'string' && dim !== '' && length !== undefined) this.#symbols.set(dim, length);
      }
    };
    for (const name of this.#graph.inputs) {
      if (/attention_mask/.test(name)) bind(name, [1, past + sequence]);
      else if (/input_ids|position_ids/.test(name)) bind(name, [1, sequence]);
      else if (/past/.test(name)) bind(name, [1, undefined, past]);
    }
  }

  /** Shape of a value that need not be evaluable itself. */
  #shape(name: string, depth = 0): number[] {
    const known = this.#values.get(name);
    if (known) return [...known.shape];
    const declared = this.#declaredShape(name);
    if (declared) return declared;
    const node = this.#graph.producer(name);
    if (!node || depth > 64) {
      const tensor = this.#graph.initializer(name);
      return tensor ? tensorShape(tensor) : [...this.value(name).shape];
    }
    if (SHAPE_PRESERVING.has(node.opType)) return this.#shape(node.input[0]!, depth + 1);
    if (node.opType === 'Gather')
      return this.#gatherShape(node.input[0]!, node.input[1]!, Number(node.attribute[0]?.i ?? 0));
    return [...this.value(name).shape];
  }

  #gatherShape(data: string, indices: string, axis: number): number[] {
    const shape = this.#shape(data, 1);
    const at = normalizeAxis(axis, shape.length);
    return [...shape.slice(0, at), ...this.#shape(indices, 1), ...shape.slice(at + 1)];
  }

  #declaredShape(name: string): number[] | null {
    const shape = this.#graph.type(name)?.shape;
    if (!shape) return null;
    const isPast = this.#graph.isInput(name) && /past/.test(name);
    const resolved = shape.map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      if (isPast && axis === PAST_LENGTH_AXIS) return this.#lengths.past;
      return this.#symbols.get(dim) ?? (axis === 0 && this.#graph.isInput(name) ? 1 : undefined);
    });
    return resolved.every((dim) => dim !== undefined) ? (resolved as number[]) : null;
  }
}
