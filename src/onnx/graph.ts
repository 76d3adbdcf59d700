import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { tensorValues } from './tensor-values.js';

/** Element types of what the rewriter adds: TensorProto.DataType. */
export const ELEMENT = { float32: 1, int32: 6, int64: 7 } as const;

export interface ValueType {
  elementType: number;
  /** Absent when the rank is unknown; symbolic dimensions are strings. */
  shape: (number | string)[] | undefined;
}

export interface NewNode {
  opType: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  domain?: string;
  attributes?: AttributeProto[];
}

/**
 * An editable copy of a model's main graph with its producers and consumers. The source model is never changed;
 * tensors are shared with it.
 */
export class Graph {
  readonly proto: ModelProto;
  readonly #graph: GraphProto;
  readonly #producers = new Map<string, NodeProto>();
  readonly #consumers = new Map<string, Set<NodeProto>>();
  readonly #initializers: Map<string, TensorProto>;
  readonly #types = new Map<string, ValueInfoProto>();
  readonly #inputs: Set<string>;
  readonly #outputs: Set<string>;
  readonly #names = new Set<string>();

  constructor(model: ModelProto) {
    const source = model.graph!;
    this.#graph = create(GraphProtoSchema, {
      ...source,
      node: source.node.map((node) => ({ ...node, input: [...node.input], output: [...node.output] })),
      initializer: [...source.initializer],
      input: [...source.input],
      output: [...source.output],
      valueInfo: [...source.valueInfo],
    });
    this.proto = create(ModelProtoSchema, { ...model, graph: this.#graph, opsetImport: [...model.opsetImport] });
    this.#initializers = new Map(source.initializer.map((tensor) => [tensor.name, tensor]));
    for (const info of [...source.valueInfo, ...source.input, ...source.output]) this.#types.set(info.name, info);
    this.#inputs = new Set(source.input.map(({ name }) => name).filter((name) => !this.#initializers.has(name)));
    this.#outputs = new Set(source.output.map(({ name }) => name));
    for (const node of this.#graph.node) this.#index(node);
    for (const name of [...this.#initializers.keys(), ...this.#inputs]) this.#names.add(name);
  }

  get nodes(): readonly NodeProto[] {
    return this.#graph.node;
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
  initializer(name: string): TensorProto | undefined {
    return this.#initializers.get(name);
  }

  /** The tensor behind an initializer or a Constant node. */
  constantTensor(name: string): TensorProto | undefined {
    const tensor = this.#initializers.get(name);
    if (tensor) return tensor;
    const node = this.#producers.get(name);
    return node?.opType === 'Constant' ? node.attribute.find((a) => a.name === 'value')?.t : undefined;
  }

  /** Elements of a small constant; null when the value is computed, large or external. */
  constant(name: string): number[] | null {
    const node = this.#producers.get(name);
    if (node?.opType === 'Identity' || node?.opType === 'Cast') return this.constant(node.input[0]!);
    const tensor = this.constantTensor(name);
    if (tensor) return tensorValues(tensor);
    if (node?.opType !== 'Constant') return null;
    const [attribute] = node.attribute;
    if (attribute?.name === 'value_int') return [Number(attribute.i)];
    if (attribute?.name === 'value_float') return [attribute.f];
    if (attribute?.name === 'value_ints') return attribute.ints.map(Number);
    return null;
  }

  /** Declared type of a value, where the exporter wrote one. */
  type(name: string): ValueType | undefined {
    const value = this.#types.get(name)?.type?.value;
    if (value?.case !== 'tensorType') return undefined;
    const shape = value.value.shape?.dim.map((dim) =>
      dim.value.case === 'dimValue' ? Number(dim.value.value) : (dim.value.value ?? ''),
    );
    return { elementType: value.value.elemType, shape };
  }

  /** A name that nothing in the graph has yet. */
  unique(name: string): string {
    if (!this.#names.has(name)) return name;
    for (let suffix = 1; ; suffix++) {
      if (!this.#names.has(`${name}_${suffix}`)) return `${name}_${suffix}`;
    }
  }

  /** Appends a node; {@link finish} puts it where its inputs allow. Returns its first output. */
  add({ opType, name, inputs, outputs, domain = '', attributes = [] }: NewNode): string {
    const node = create(NodeProtoSchema, {
      opType,
      name: this.unique(name),
      domain,
      input: [...inputs],
      output: [...outputs],
      attribute: attributes,
    });
    this.#graph.node.push(node);
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
    this.#graph.input.push(valueInfo(name, elementType, shape));
    this.#inputs.add(name);
    this.#names.add(name);
  }

  addOutput(name: string, elementType: number, shape: readonly (number | string)[]): void {
    this.#graph.output.push(valueInfo(name, elementType, shape));
    this.#outputs.add(name);
  }

  removeOutput(name: string): void {
    this.#graph.output = this.#graph.output.filter((output) => output.name !== name);
    this.#outputs.delete(name);
  }

  /** Forgets the declared type of a value whose shape a rewrite changed. */
  forgetType(name: string): void {
    this.#graph.valueInfo = this.#graph.valueInfo.filter((info) => info.name !== name);
    this.#types.delete(name);
  }

  /** Replaces the declared shape of a graph output. */
  retypeOutput(name: string, elementType: number, shape: readonly (number | string)[]): void {
    const at = this.#graph.output.findIndex((output) => output.name === name);
    this.#graph.output[at] = valueInfo(name, elementType, shape);
  }

  setInput(node: NodeProto, index: number, name: string): void {
    const old = node.input[index];
    while (node.input.length <= index) node.input.push('');
    node.input[index] = name;
    if (old && !node.input.includes(old)) this.#consumers.get(old)?.delete(node);
    this.#consume(name, node);
  }

  /** Cuts a node out: another may then produce its outputs. {@link finish} drops it. */
  detach(node: NodeProto): void {
    for (const output of node.output) if (this.#producers.get(output) === node) this.#producers.delete(output);
    for (const input of nodeInputs(node)) this.#consumers.get(input)?.delete(node);
  }

  requireDomain(domain: string, version: number): void {
    if (this.proto.opsetImport.some((entry) => entry.domain === domain)) return;
    this.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
  }

  opset(domain = ''): number {
    return Number(
      this.proto.opsetImport.find((e) => e.domain === domain || (e.domain === 'ai.onnx' && !domain))?.version ?? 0,
    );
  }

  /** Drops what no output needs, and puts nodes into topological order. Graph inputs stay. */
  finish(): void {
    const needed = this.#reachable();
    const ordered: NodeProto[] = [];
    const visited = new Set<NodeProto>();
    for (const start of this.#graph.node) {
      if (needed.has(start)) this.#visit(start, visited, ordered);
    }
    this.#graph.node = ordered;
    const used = new Set(ordered.flatMap((node) => [...nodeInputs(node), ...node.output]));
    for (const output of this.#graph.output) used.add(output.name);
    this.#graph.initializer = this.#graph.initializer.filter((tensor) => used.has(tensor.name));
    this.#graph.valueInfo = this.#graph.valueInfo.filter((info) => used.has(info.name));
  }

  #reachable(): Set<NodeProto> {
    const needed = new Set<NodeProto>();
    const pending = this.#graph.output.map(({ name }) => name);
    while (pending.length > 0) {
      const node = this.#producers.get(pending.pop()!);
      if (!node || needed.has(node)) continue;
      needed.add(node);
      pending.push(...nodeInputs(node));
    }
    return needed;
  }

  /** Depth first without recursion: graphs are thousands of nodes deep. */
  #visit(start: NodeProto, visited: Set<NodeProto>, ordered: NodeProto[]): void {
    const stack = [{ node: start, inputs: nodeInputs(start), next: 0 }];
    if (visited.has(start)) return;
    visited.add(start);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (top.next === top.inputs.length) {
        ordered.push(top.node);
        stack.pop();
        continue;
      }
      const producer = this.#producers.get(top.inputs[top.next++]!);
      if (!producer || visited.has(producer)) continue;
      visited.add(producer);
      stack.push({ node: producer, inputs: nodeInputs(producer), next: 0 });
    }
  }

  #consume(name: string, node: NodeProto): void {
    if (!name) return;
    const set = this.#consumers.get(name);
    if (set) set.add(node);
    else this.#consumers.set(name, new Set([node]));
  }

  #index(node: NodeProto): void {
    for (const output of node.output) {
      if (!output) continue;
      this.#producers.set(output, node);
      this.#names.add(output);
    }
    for (const input of nodeInputs(node)) this.#consume(input, node);
    this.#names.add(node.name);
  }
}

/** A node's inputs, with what the bodies of its branches and loops read from outside. */
function nodeInputs(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== '');
  for (const attribute of node.attribute) {
    for (const body of [...(attribute.g ? [attribute.g] : []), ...attribute.graphs]) {
      names.push(...body.node.flatMap(nodeInputs), ...body.output.map(({ name }) => name));
    }
  }
  return names;
}

function valueInfo(name: string, elementType: number, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: elementType,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } });
  return create(ValueInfoProtoSchema, { name, type });
}

export const intAttr = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });

export const floatAttr = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });

export const intsAttr = (name: string, values: readonly number[]): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: values.map(BigInt) });
