import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../attribute.js';
import { type Graph, isStandard } from '../graph.js';
import { tensorShape, tensorValues } from '../tensor-values.js';
import { isInteger } from '../value-info.js';
import { type CallLengths, CallShapes, inputValue } from './call-inputs.js';
import { outputType } from './element-types.js';
import { Identities } from './identities.js';
import { OPS } from './ops/table.js';
import { outputShapes, type Shape } from './shapes.js';
import { elements, fromValues, NotEvaluable, type SmallTensor } from './tensor.js';

/** Values up to this size are computed on the way, as shapes, positions and scales need them. */
const MAX_EAGER_ELEMENTS = 256;
/** Elements computed by one evaluator at most: masks of any decoder need far less. */
const MAX_WORK = 200_000_000;
const MAX_PENDING = 10_000;

/**
 * What a call of given lengths does to a graph: shapes and element types of its values as far as they follow from
 * inputs and declarations, and, on demand, small values (masks, positions, scales). Weights are never read: what
 * depends on hidden states or on the tokens themselves is {@link NotEvaluable}.
 *
 * Every node is looked at once, when something first asks for what depends on it; the graph must not change meanwhile.
 */
export class Evaluator {
  readonly #values = new Map<string, SmallTensor>();
  readonly #failures = new Map<string, string>();
  readonly #declarations = new Map<string, Shape | null>();
  readonly #shapes = new Map<string, Shape | null>();
  readonly #passed = new Set<NodeProto>();
  readonly #identities: Identities;
  readonly #types = new Map<string, number | undefined>();
  readonly #graph: Graph;
  readonly #lengths: CallLengths;
  readonly #call: CallShapes;
  readonly #replaced: ReadonlyMap<string, number>;
  #work = 0;

  /** @param replaced - constants, by name, that hold another number this time */
  constructor(graph: Graph, lengths: CallLengths, replaced: ReadonlyMap<string, number> = new Map()) {
    this.#graph = graph;
    this.#lengths = lengths;
    this.#replaced = replaced;
    this.#call = new CallShapes(graph, lengths);
    this.#identities = new Identities({
      inputs: (name) => this.#inputsToIdentify(name),
      literal: (name) => this.#literal(name),
      producer: (name) => graph.producer(name),
    });
  }

  /** Shape of a value during the call; null when it is not known. */
  shape(name: string): Shape | null {
    return this.#declared(name) ?? this.inferredShape(name);
  }

  /** TensorProto.DataType of a value; undefined when it is not known. */
  elementType(name: string): number | undefined {
    const declared = this.#graph.initializer(name)?.dataType ?? this.#graph.type(name)?.elementType;
    if (declared !== undefined) return declared;
    this.#reach(name);
    return this.#types.get(name);
  }

  /** @throws {NotEvaluable} */
  value(name: string): SmallTensor {
    // Values with one reader are computed for this question only: the layers' own masks would add up otherwise.
    const transient = new Map<string, SmallTensor>();
    const get = (value: string) => this.#values.get(value) ?? transient.get(value);
    this.#reach(name);
    const pending = [name];
    while (pending.length > 0) {
      const next = pending[pending.length - 1]!;
      if (get(next)) {
        pending.pop();
        continue;
      }
      const missing = this.#inputsToCompute(next).filter((input) => !get(input));
      if (missing.length > 0) {
        if (pending.length + missing.length > MAX_PENDING) throw new NotEvaluable('a chain of more than 10,000 values');
        pending.push(...missing);
        continue;
      }
      const value = this.#compute(next, get);
      (this.#graph.consumerCount(next) > 1 ? this.#values : transient).set(next, value);
      pending.pop();
    }
    return get(name)!;
  }

  /** See {@link Identities.of}. */
  identity(name: string): string {
    return this.#identities.of(name);
  }

  /** Inputs of the node that computes a value, where the value is large and its op is known; else none. */
  #inputsToIdentify(name: string): readonly string[] {
    this.#reach(name);
    const node = this.#eager(name) ? undefined : this.#graph.producer(name);
    const isKnown = node && node.output.length === 1 && OPS.has(node.opType) && isStandard(node.domain);
    return isKnown ? node.input : [];
  }

  /** A small value as text. */
  #literal(name: string): string | undefined {
    const value = this.#eager(name);
    return value && `=${this.elementType(name)}[${value.shape}]${value.data}`;
  }

  /** Shape that follows from a value's node, whatever is declared of the value itself. */
  inferredShape(name: string): Shape | null {
    this.#reach(name);
    return this.#shapes.get(name) ?? null;
  }

  /** Shape of an initializer, or as declared where all dimensions are known. */
  #declared(name: string): Shape | null {
    const known = this.#declarations.get(name);
    if (known !== undefined) return known;
    const tensor = this.#graph.initializer(name);
    const shape = tensor ? tensorShape(tensor) : this.#call.declared(name);
    this.#declarations.set(name, shape);
    return shape;
  }

  /** Passes the node that gives a value, after those whose shapes or values it needs. */
  #reach(name: string): void {
    const pending = this.#unpassed(name);
    while (pending.length > 0) {
      const node = pending[pending.length - 1]!;
      const before = this.#passed.has(node) ? [] : node.input.flatMap((input) => this.#neededFor(input));
      if (before.length > 0) {
        pending.push(...before);
        continue;
      }
      pending.pop();
      if (!this.#passed.has(node)) this.#pass(node);
      this.#passed.add(node);
    }
  }

  #unpassed(name: string): NodeProto[] {
    const node = this.#graph.producer(name);
    return node && !this.#passed.has(node) ? [node] : [];
  }

  /** Nothing where a declaration says all: only small values are computed on the way. */
  #neededFor(name: string): NodeProto[] {
    const declared = this.#declared(name);
    return declared && elements(declared) > MAX_EAGER_ELEMENTS ? [] : this.#unpassed(name);
  }

  /** Shapes, types and small values of a node's outputs. */
  #pass(node: NodeProto): void {
    const inferred = outputShapes(node, {
      shape: (index) => this.#knownShape(node.input[index] ?? ''),
      value: (index) => this.#eager(node.input[index] ?? ''),
    });
    const type = outputType(node, (name) => this.#knownType(name));
    for (const [i, name] of node.output.entries()) {
      if (!name) continue;
      this.#shapes.set(name, inferred[i] ?? null);
      this.#types.set(name, type);
    }
    this.#evaluateEagerly(node);
  }

  #knownShape(name: string): Shape | null {
    return this.#declared(name) ?? this.#shapes.get(name) ?? null;
  }

  #knownType(name: string): number | undefined {
    return this.#graph.initializer(name)?.dataType ?? this.#graph.type(name)?.elementType ?? this.#types.get(name);
  }

  #evaluateEagerly(node: NodeProto): void {
    const [name] = node.output;
    if (!name || node.output.length !== 1 || !isStandard(node.domain)) return;
    const shape = this.#knownShape(name);
    if (shape && elements(shape) > MAX_EAGER_ELEMENTS) return;
    if (node.opType !== 'Shape') {
      if (!OPS.has(node.opType)) return;
      if (!node.input.every((input) => input === '' || this.#eager(input))) return;
    }
    try {
      const value = this.#compute(name, (input) => this.#eager(input));
      this.#shapes.set(name, value.shape);
      if (value.data.length <= MAX_EAGER_ELEMENTS) this.#values.set(name, value);
    } catch (error) {
      if (!(error instanceof NotEvaluable)) throw error;
    }
  }

  /** A small value that is known already, or a small constant or input. */
  #eager(name: string): SmallTensor | undefined {
    const known = this.#values.get(name);
    if (known) return known;
    if (name === '' || this.#graph.producer(name)) return undefined;
    const shape = this.#declared(name);
    if (!shape || elements(shape) > MAX_EAGER_ELEMENTS || this.#failures.has(name)) return undefined;
    try {
      const value = this.#compute(name, () => undefined);
      this.#values.set(name, value);
      return value;
    } catch (error) {
      if (!(error instanceof NotEvaluable)) throw error;
      this.#failures.set(name, error.message);
      return undefined;
    }
  }

  #inputsToCompute(name: string): string[] {
    const failure = this.#failures.get(name);
    if (failure !== undefined) throw new NotEvaluable(failure);
    const node = this.#graph.producer(name);
    if (!node || node.opType === 'Shape') return [];
    if (!OPS.has(node.opType) || !isStandard(node.domain) || node.output.length !== 1) {
      throw new NotEvaluable(`${node.opType} ${node.name || name}`);
    }
    return node.input.filter((input) => input !== '');
  }

  #compute(name: string, get: (input: string) => SmallTensor | undefined): SmallTensor {
    const value = this.#computeAsWritten(name, get);
    const replacement = this.#replaced.get(name);
    return replacement === undefined ? value : { ...value, data: value.data.map(() => replacement) };
  }

  #computeAsWritten(name: string, get: (input: string) => SmallTensor | undefined): SmallTensor {
    const node = this.#graph.producer(name);
    if (!node) return this.#source(name);
    if (node.opType === 'Shape') return this.#shapeValue(node);
    const inputs = node.input.map((input) => (input === '' ? undefined : get(input)));
    for (const input of inputs) this.#work += input?.data.length ?? 0;
    if (this.#work > MAX_WORK) throw new NotEvaluable('more work than any mask needs');
    try {
      return OPS.get(node.opType)!(node, inputs, isInteger(this.elementType(node.input[0] ?? '') ?? 0));
    } catch (error) {
      // What malformed nodes make of axes, indices and lengths.
      if (error instanceof RangeError || error instanceof TypeError) {
        throw new NotEvaluable(`${node.opType} ${node.name || name} with inputs that do not fit`);
      }
      throw error;
    }
  }

  /** An initializer, or a graph input whose meaning is known. */
  #source(name: string): SmallTensor {
    const tensor = this.#graph.initializer(name);
    if (!tensor) {
      const value = this.#graph.isInput(name) ? inputValue(this.#graph, name, this.#lengths) : undefined;
      if (value) return value;
      throw new NotEvaluable(name ? `the input ${name}` : 'an absent input');
    }
    const values = tensorValues(tensor);
    if (!values) throw new NotEvaluable(`the weight ${name}`);
    return fromValues(tensorShape(tensor), values);
  }

  #shapeValue(node: NodeProto): SmallTensor {
    // Some dimensions are enough where only they are read: NaN for the others goes through all that uses it.
    const shape = this.shape(node.input[0] ?? '') ?? this.#call.partial(node.input[0] ?? '');
    if (!shape) throw new NotEvaluable(`the shape of ${node.input[0]}`);
    const part = shape.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', shape.length));
    return fromValues([part.length], part);
  }
}
