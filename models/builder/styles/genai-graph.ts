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

type Scalar = number | bigint;

/** Type names of ONNX where they differ from ours. */
const TYPE_LABEL: Partial<Record<ElementType, string>> = { float32: 'FLOAT' };

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

  /**
   * A Constant node shared by all users of the value; a list makes a vector, a number a scalar.
   *
   * @param label - how the value is written in the names, where that differs from JavaScript's way
   */
  constant(type: ElementType, value: Scalar | readonly Scalar[], label?: string): string {
    const list = Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar];
    const dims = Array.isArray(value) ? [list.length] : [];
    const text = label ?? (Array.isArray(value) ? `[${list.join(', ')}]` : `${value}`);
    const key = `${TYPE_LABEL[type] ?? type.toUpperCase()}/${text}`;
    const output = `/model/constants/${key}`;
    if (this.#constants.has(key)) return output;
    this.#constants.add(key);
    const tensor = tensorProto('', type, dims, numberBytes(list, type));
    this.context.graph.node({
      op: 'Constant',
      name: `/model/constant_nodes/${key}`,
      inputs: [],
      outputs: [output],
      attributes: { value: { tensor } },
    });
    this.context.graph.value(output, type, dims);
    return output;
  }
}
