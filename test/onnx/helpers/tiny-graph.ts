import { create } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import type { Attribute } from '../../../models/builder/attributes.js';
import { GraphWriter, type SymbolicShape } from '../../../models/builder/graph-writer.js';
import { type ElementType, numberBytes } from '../../../models/builder/tensor-proto.js';
import type { OnnxModel } from '../../../src/onnx/types.js';

export interface NodeExtras {
  attributes?: Record<string, Attribute>;
  domain?: string;
  name?: string;
  outputs?: readonly string[];
}

/** Writes small graphs by hand: every node's first output is its name. */
export class TinyGraph {
  readonly writer = new GraphWriter(false);
  #count = 0;
  #random = 1;

  input(name: string, type: ElementType, shape: SymbolicShape): string {
    this.writer.input(name, type, shape);
    return name;
  }

  output(name: string, type: ElementType, shape: SymbolicShape): void {
    this.writer.output(name, type, shape);
  }

  node(op: string, inputs: readonly string[], extras: NodeExtras = {}): string {
    const { attributes = {}, domain = '' } = extras;
    const name = extras.name ?? `${op}_${this.#count++}`;
    const outputs = extras.outputs ?? [`${name}:0`];
    this.writer.node({ op, name, inputs, outputs, domain, attributes });
    return outputs[0]!;
  }

  constant(values: number | readonly number[], type: ElementType = 'int64', dims?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const shape = dims ?? (typeof values === 'number' ? [] : [list.length]);
    return this.writer.weight(`constant_${this.#count++}`, type, shape, () => numberBytes(list, type));
  }

  /** Reproducible values of about unit variance divided by the root of the rows. */
  random(name: string, dims: readonly number[], type: ElementType = 'float32'): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const scale = Math.sqrt(3 / dims[0]!);
    const values = Array.from({ length: count }, () => {
      this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
      return (this.#random / 2 ** 31 - 1) * scale;
    });
    return this.writer.weight(name, type, dims, () => numberBytes(values, type));
  }

  model(opset = 18): OnnxModel {
    const domains = { '': opset, 'com.microsoft': 1 };
    const proto: ModelProto = create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: Object.entries(domains).map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      graph: this.writer.finish(),
    });
    return { proto, path: '/models/tiny/model.onnx', folder: '/models/tiny' };
  }
}
