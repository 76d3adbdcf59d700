import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
} from 'onnx-buf';
import { MinferenceError } from '../errors.js';
import { constantValues } from './constant-node.js';
import { copyMessage } from './copy-message.js';
import { nodeInputs } from './node-inputs.js';
import { tensorValues } from './tensor-values.js';
import { topologicalOrder } from './topological.js';
import { ELEMENT, makeValueInfo, readValueType, type ValueType } from './value-info.js';

export interface NewNode {
  opType: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  domain?: string;
  attributes?: AttributeProto[];
}

/** How many Identity and Cast nodes may lie between a constant and its use. */
const MAX_CONSTANT_CHAIN = 16;

/** Domain of ONNX's own operators; it has two spellings. */
export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/**
 * An editable copy of a model's main graph with its producers and consumers. The source model is never changed;
 * tensors are shared with it. Every operation is linear in what it touches, {@link finish} in the graph.
 */
export class Graph {
  readonly proto: ModelProto;
  readonly #graph: GraphProto;
  /** In file order, added ones last. */
  readonly #nodes: Set<NodeProto>;
  readonly #producers = new Map<string, NodeProto>();
  readonly #consumers = new Map<string, Set<NodeProto>>();
  readonly #initializers: Map<string, TensorProto>;
  readonly #types = new Map<string, ValueInfoProto>();
  readonly #inputs: Set<string>;
  readonly #outputs: Set<string>;
  readonly #names = new Set<string>();
  /** Known until the next change. */
  #order: NodeProto[] | undefined;

  /** @throws {MinferenceError} MODEL_INVALID for two producers of one value, or a cycle. */
  constructor(model: ModelProto) {
    const source = model.graph!;
    this.#nodes = new Set(
      source.node.map((node) =>
        copyMessage(NodeProtoSchema, node, { input: [...node.input], output: [...node.output] }),
      ),
    );
    this.#graph = copyMessage(GraphProtoSchema, source, {
      node: [],
      initializer: [...source.initializer],
      input: [...source.input],
      output: [...source.output],
      valueInfo: [...source.valueInfo],
    });
    this.proto = copyMessage(ModelProtoSchema, model, { graph: this.#graph, opsetImport: [...model.opsetImport] });
    this.#initializers = new Map(source.initializer.map((tensor) => [tensor.name, tensor]));
    for (const info of [source.valueInfo, source.input, source.output].flat()) this.#types.set(info.name, info);
    this.#inputs = new Set(source.input.map(({ name }) => name).filter((name) => !this.#initializers.has(name)));
    this.#outputs = new Set(source.output.map(({ name }) => name));
    for (const name of [...this.#initializers.keys(), ...this.#inputs]) this.#names.add(name);
    for (const node of this.#nodes) {
      for (const name of node.output) {
        const taken = this.#producers.has(name) || this.#initializers.has(name) || this.#inputs.has(name);
        if (name && taken) throw invalid(`two sources of the value ${name}`);
      }
      this.#index(node);
    }
    this.order();
  }

  get nodes(): Iterable<NodeProto> {
    return this.#nodes;
  }
  get inputs(): readonly string[] {
    return [...this.#inputs];
  }
  get outputs(): readonly string[] {
    return this.#graph.output.map(({ name }) => name);
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name);
  }
  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }
  producer(name: string): NodeProto | undefined {
    return this.#producers.get(name);
  }
  consumers(name: string): NodeProto[] {
    return [...(this.#consumers.get(name) ?? [])];
  }
  consumerCount(name: string): number {
    return this.#consumers.get(name)?.size ?? 0;
  }
  initializer(name: string): TensorProto | undefined {
    return this.#initializers.get(name);
  }

  /** Elements of a small constant, an initializer or a Constant node; null when it is computed, large or external. */
  constant(name: string): number[] | null {
    let value = name;
    for (let step = 0; step < MAX_CONSTANT_CHAIN; step++) {
      const tensor = this.#initializers.get(value);
      if (tensor) return tensorValues(tensor);
      const node = this.#producers.get(value);
      if (node?.opType === 'Constant') return constantValues(node);
      if (node?.opType !== 'Identity' && node?.opType !== 'Cast') return null;
      value = node.input[0] ?? '';
    }
    return null;
  }

  /** Declared type of a value, where the exporter wrote one. */
  type(name: string): ValueType | undefined {
    return readValueType(this.#types.get(name));
  }

  /** A name that nothing in the graph has yet. */
  unique(name: string): string {
    if (!this.#names.has(name)) return name;
    for (let suffix = 1; ; suffix++) {
      if (!this.#names.has(`${name}_${suffix}`)) return `${name}_${suffix}`;
    }
  }

  /** Adds a node; {@link finish} puts it where its inputs allow. Returns its first output. */
  add({ opType, name, inputs, outputs, domain = '', attributes = [] }: NewNode): string {
    const node = create(NodeProtoSchema, {
      opType,
      name: this.unique(name),
      domain,
      input: [...inputs],
      output: [...outputs],
      attribute: attributes,
    });
    this.#nodes.add(node);
    this.#index(node);
    return outputs[0]!;
  }

  addInt64(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    const unique = this.unique(name);
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    const tensor = create(TensorProtoSchema, {
      name: unique,
      dataType: ELEMENT.int64,
      dims: shape.map(BigInt),
      rawData: bytes,
    });
    this.#graph.initializer.push(tensor);
    this.#initializers.set(unique, tensor);
    this.#names.add(unique);
    return unique;
  }

  addInput(name: string, elementType: number, shape: readonly (number | string)[]): void {
    this.#declare(this.#graph.input, name, elementType, shape);
    this.#inputs.add(name);
    this.#names.add(name);
  }

  addOutput(name: string, elementType: number, shape: readonly (number | string)[]): void {
    this.#declare(this.#graph.output, name, elementType, shape);
    this.#outputs.add(name);
  }

  removeOutput(name: string): void {
    this.#graph.output = this.#graph.output.filter((output) => output.name !== name);
    this.#outputs.delete(name);
  }

  /** Replaces the declared shape of a graph output. */
  retypeOutput(name: string, elementType: number, shape: readonly (number | string)[]): void {
    const at = this.#graph.output.findIndex((output) => output.name === name);
    this.#graph.output[at] = makeValueInfo(name, elementType, shape);
    this.#types.set(name, this.#graph.output[at]);
  }

  /** Forgets the declared types of values whose shapes a rewrite changed. */
  forgetTypes(names: ReadonlySet<string>): void {
    this.#graph.valueInfo = this.#graph.valueInfo.filter((info) => !names.has(info.name));
    for (const name of names) this.#types.delete(name);
  }

  setInput(node: NodeProto, index: number, name: string): void {
    this.#order = undefined;
    const old = node.input[index];
    while (node.input.length <= index) node.input.push('');
    node.input[index] = name;
    if (old && !nodeInputs(node).includes(old)) this.#consumers.get(old)?.delete(node);
    this.#consume(name, node);
  }

  /** Takes a node out: another may then produce its outputs. */
  detach(node: NodeProto): void {
    this.#order = undefined;
    this.#nodes.delete(node);
    for (const output of node.output) if (this.#producers.get(output) === node) this.#producers.delete(output);
    for (const input of nodeInputs(node)) this.#consumers.get(input)?.delete(node);
  }

  requireDomain(domain: string, version: number): void {
    if (this.proto.opsetImport.some((entry) => entry.domain === domain)) return;
    this.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
  }

  /** Version of ONNX's own operators; 0 when the model names none. */
  opset(): number {
    return Number(this.proto.opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 0);
  }

  /** Every node after those it reads from. */
  order(): readonly NodeProto[] {
    this.#order ??= this.#sort();
    return this.#order;
  }

  #sort(): NodeProto[] {
    const result = topologicalOrder(this.#nodes, (name) => this.#producers.get(name));
    if ('ordered' in result) return result.ordered;
    throw invalid(`a cycle through ${result.cycle.opType} ${result.cycle.name || result.cycle.output[0]}`);
  }

  /** The nodes that the values depend on. */
  ancestors(values: readonly string[]): Set<NodeProto> {
    const needed = new Set<NodeProto>();
    const pending = [...values];
    while (pending.length > 0) {
      const node = this.#producers.get(pending.pop()!);
      if (!node || needed.has(node)) continue;
      needed.add(node);
      for (const name of nodeInputs(node)) pending.push(name);
    }
    return needed;
  }

  /** Drops what no output needs, and writes the nodes to {@link proto} in topological order. Graph inputs stay. */
  finish(): void {
    const needed = this.ancestors(this.outputs);
    for (const node of this.#nodes) if (!needed.has(node)) this.detach(node);
    this.#graph.node = [...this.order()];
    const used = new Set(this.outputs);
    for (const node of this.#graph.node) {
      for (const name of nodeInputs(node)) used.add(name);
      for (const name of node.output) used.add(name);
    }
    this.#graph.initializer = this.#graph.initializer.filter((tensor) => used.has(tensor.name));
    this.#graph.valueInfo = this.#graph.valueInfo.filter((info) => used.has(info.name));
  }

  #declare(list: ValueInfoProto[], name: string, elementType: number, shape: readonly (number | string)[]): void {
    const info = makeValueInfo(name, elementType, shape);
    list.push(info);
    this.#types.set(name, info);
  }

  #consume(name: string, node: NodeProto): void {
    if (!name) return;
    const set = this.#consumers.get(name);
    if (set) set.add(node);
    else this.#consumers.set(name, new Set([node]));
  }

  #index(node: NodeProto): void {
    this.#order = undefined;
    for (const output of node.output) {
      if (!output) continue;
      this.#producers.set(output, node);
      this.#names.add(output);
    }
    for (const input of nodeInputs(node)) this.#consume(input, node);
    this.#names.add(node.name);
  }
}

function invalid(found: string): MinferenceError {
  return new MinferenceError('MODEL_INVALID', `expected a graph that is ONNX, found ${found}`, {
    hint: 'export or download the model again',
  });
}
