import type { Attribute } from '../attributes.js';
import type { BuildContext } from '../context.js';
import type { SymbolicShape } from '../graph-writer.js';
import { type ElementType, numberBytes, tensorProto } from '../tensor-proto.js';

export interface GenaiOp {
  domain?: string;
  attributes?: Record<string, Attribute>;
  type: ElementType;
  shape: SymbolicShape;
  /** Name of the first output instead of `<path>/output_0`. */
  output?: string;
}

/** Names of the symbolic dimensions in onnxruntime-genai's graphs. */
export const BATCH = 'batch_size';
export const SEQUENCE = 'sequence_length';
export const TOTAL = 'total_sequence_length';
export const PAST = 'past_sequence_length';

/** Node and value naming of onnxruntime-genai's model builder: a node `/a/b/Op` gives `/a/b/Op/output_0`. */
export class GenaiGraph {
  readonly #constants = new Set<string>();

  constructor(readonly context: BuildContext) {}

  /** Adds a node of one output and says its name. */
  op(op: string, path: string, inputs: readonly string[], options: GenaiOp): string {
    const output = options.output ?? `${path}/output_0`;
    const { domain, attributes } = options;
    this.context.graph.node({
      op,
      name: path,
      inputs,
      outputs: [output],
      ...(domain ? { domain } : {}),
      ...(attributes ? { attributes } : {}),
    });
    if (!options.output) this.context.graph.value(output, options.type, options.shape);
    return output;
  }

  /** A Constant node shared by all users of the value; a list makes a vector, a number a scalar. */
  constant(type: ElementType, value: number | readonly number[]): string {
    const list = typeof value === 'number' ? [value] : value;
    const dims = typeof value === 'number' ? [] : [value.length];
    const label = `${type.toUpperCase()}/${typeof value === 'number' ? value : `[${value.join(', ')}]`}`;
    const output = `/model/constants/${label}`;
    if (this.#constants.has(label)) return output;
    this.#constants.add(label);
    const tensor = tensorProto('', type, dims, numberBytes(list, type));
    this.context.graph.node({
      op: 'Constant',
      name: `/model/constant_nodes/${label}`,
      inputs: [],
      outputs: [output],
      attributes: { value: { tensor } },
    });
    this.context.graph.value(output, type, dims);
    return output;
  }
}
