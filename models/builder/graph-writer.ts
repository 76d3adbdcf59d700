import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  GraphProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { type Attribute, attributeProto } from './attributes.js';
import { ELEMENT_BYTES, ELEMENT_TYPE, type ElementType, elementCount, tensorProto } from './tensor-proto.js';

/** Dimensions; strings are symbolic. */
export type SymbolicShape = readonly (number | string)[];

export interface NodeOptions {
  op: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  domain?: string;
  attributes?: Record<string, Attribute>;
}

/** An initializer and its size, whether or not its bytes exist. */
export interface WrittenTensor {
  proto: TensorProto;
  byteLength: number;
}

/** Collects the parts of a graph in file order. */
export class GraphWriter {
  readonly tensors: WrittenTensor[] = [];
  readonly #graph: GraphProto = create(GraphProtoSchema, { name: 'main_graph' });
  readonly #names = new Set<string>();

  /** @param hollow - leave initializers without bytes */
  constructor(private readonly hollow: boolean) {}

  input(name: string, type: ElementType, shape: SymbolicShape): void {
    this.#graph.input.push(valueInfo(name, type, shape));
  }

  output(name: string, type: ElementType, shape: SymbolicShape): void {
    this.#graph.output.push(valueInfo(name, type, shape));
  }

  /** Type and shape of an intermediate value. */
  value(name: string, type: ElementType, shape: SymbolicShape): void {
    this.#graph.valueInfo.push(valueInfo(name, type, shape));
  }

  node({ op, name, inputs, outputs, domain = '', attributes = {} }: NodeOptions): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.#graph.node.push(
      create(NodeProtoSchema, { opType: op, name, input: [...inputs], output: [...outputs], domain, attribute }),
    );
  }

  /** Adds an initializer once per name; `bytes` is only called when its contents are wanted. */
  weight(name: string, type: ElementType, dims: readonly number[], bytes: () => Uint8Array<ArrayBuffer>): string {
    if (this.#names.has(name)) return name;
    this.#names.add(name);
    const proto = tensorProto(name, type, dims, this.hollow ? undefined : bytes());
    this.#graph.initializer.push(proto);
    this.tensors.push({ proto, byteLength: elementCount(dims) * ELEMENT_BYTES[type] });
    return name;
  }

  finish(): GraphProto {
    return this.#graph;
  }
}

function valueInfo(name: string, type: ElementType, shape: SymbolicShape): ValueInfoProto {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ELEMENT_TYPE[type], shape: { dim } } } },
  });
}
