import type { Attribute } from '../../attributes.js';
import type { BuildContext } from '../../context.js';
import { type ElementType, elementCount, numberBytes, tensorProto } from '../../tensor-proto.js';

/** Upper end of a Slice that takes everything. */
export const END = 9_223_372_036_854_775_807n;

/** Numbers that torch.onnx gives to values without a name of their own. */
export class ValueNumbers {
  #next = 100;

  take(): number {
    return this.#next++;
  }
}

/**
 * Nodes of one module under torch.onnx's names: the n-th `Op` of `/model/layers.0/self_attn` is
 * `/model/layers.0/self_attn/Op_n` (no number on the first) and gives `…/Op_n_output_0`.
 */
export class OptimumScope {
  readonly #counts = new Map<string, number>();

  constructor(
    readonly context: BuildContext,
    readonly path: string,
    readonly numbers: ValueNumbers,
  ) {}

  /** A scope of its own below this one. */
  child(name: string): OptimumScope {
    return new OptimumScope(this.context, `${this.path}/${name}`, this.numbers);
  }

  op(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, output?: string): string {
    const count = this.#counts.get(op) ?? 0;
    this.#counts.set(op, count + 1);
    const name = `${this.path}/${op}${count === 0 ? '' : `_${count}`}`;
    const result = output ?? `${name}_output_0`;
    this.context.graph.node({ op, name, inputs, outputs: [result], attributes });
    return result;
  }

  /** A Constant of its own for each use; a list makes a vector, a number a scalar. */
  constant(type: ElementType, value: number | bigint | readonly (number | bigint)[]): string {
    const list = Array.isArray(value) ? value : [value];
    const dims = Array.isArray(value) ? [list.length] : [];
    const bytes =
      type === 'int64' ? new Uint8Array(BigInt64Array.from(list, BigInt).buffer) : numberBytes(list.map(Number), type);
    return this.op('Constant', [], { value: { tensor: tensorProto('', type, dims, bytes) } });
  }

  int64(value: number | bigint | readonly (number | bigint)[]): string {
    return this.constant('int64', value);
  }

  /** Axis as the constant-folded exporter leaves it: `onnx::Unsqueeze_177` from a node `Constant_177`. */
  unsqueezeFolded(input: string): string {
    const number = this.numbers.take();
    const output = `onnx::Unsqueeze_${number}`;
    this.context.graph.node({
      op: 'Constant',
      name: `Constant_${number}`,
      inputs: [],
      outputs: [output],
      attributes: { value: { tensor: tensorProto('', 'int64', [1], numberBytes([0], 'int64')) } },
    });
    return this.op('Unsqueeze', [input, output]);
  }

  unsqueeze(input: string, axis: number): string {
    return this.op('Unsqueeze', [input, this.int64([axis])]);
  }

  /** Shape and Gather: one dimension as a scalar. */
  dimension(input: string, axis: number): string {
    const shape = this.op('Shape', [input]);
    return this.op('Gather', [shape, this.int64(axis)], { axis: { int: 0 } });
  }

  reshape(input: string, shape: string): string {
    return this.op('Reshape', [input, shape], { allowzero: { int: 0 } });
  }

  concat(inputs: readonly string[], axis: number, output?: string): string {
    return this.op('Concat', inputs, { axis: { int: axis } }, output);
  }

  cast(input: string, to: number): string {
    return this.op('Cast', [input], { to: { int: to } });
  }

  transpose(input: string, perm: readonly number[]): string {
    return this.op('Transpose', [input], { perm: { ints: perm } });
  }

  /** torch's expand: −1 in the shape keeps a dimension, which the graph resolves by Where. */
  expand(input: string, shape: readonly string[]): string {
    const wanted = this.reshape(this.concat(shape, 0), this.int64([-1]));
    const ones = this.op('ConstantOfShape', [this.op('Shape', [wanted])], {
      value: { tensor: tensorProto('', 'int64', [1], numberBytes([1], 'int64')) },
    });
    const minus = this.op('Mul', [ones, this.int64(-1)]);
    const keeps = this.op('Equal', [wanted, minus]);
    return this.op('Expand', [input, this.op('Where', [keeps, ones, wanted])]);
  }

  /** A float tensor as a Constant with a folded name. */
  foldedFloats(consumer: string, values: Float32Array, dims: readonly number[]): string {
    if (elementCount(dims) !== values.length) throw new RangeError('expected as many values as the shape has');
    const number = this.numbers.take();
    const output = `onnx::${consumer}_${number}`;
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    this.context.graph.node({
      op: 'Constant',
      name: `Constant_${number}`,
      inputs: [],
      outputs: [output],
      attributes: { value: { tensor: tensorProto('', 'float32', dims, bytes) } },
    });
    return output;
  }
}
