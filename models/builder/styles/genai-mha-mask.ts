import { ELEMENT_TYPE, type ElementType, numberBytes, tensorProto } from '../tensor-proto.js';
import { BATCH, type GenaiGraph, SEQUENCE, TOTAL } from './genai-graph.js';

const END = 9_223_372_036_854_775_807n;
const ROOT = '/model/attn_mask_reformat';

/** Adds nodes of one part of the mask; shapes are symbolic names that only documentation reads. */
class MaskPart {
  constructor(
    private readonly genai: GenaiGraph,
    readonly path: string,
  ) {}

  op(op: string, name: string, inputs: string[], type: ElementType, shape: (number | string)[]): string {
    return this.genai.op(op, `${this.path}/${name}`, inputs, { type, shape });
  }

  int64(op: string, name: string, inputs: string[], shape: (number | string)[]): string {
    return this.op(op, name, inputs, 'int64', shape);
  }

  joined(op: 'Gather' | 'Concat', name: string, inputs: string[], shape: (number | string)[]): string {
    const attributes = { axis: { int: 0 } };
    return this.genai.op(op, `${this.path}/${name}`, inputs, { type: 'int64', shape, attributes });
  }

  cast(name: string, input: string, type: ElementType, shape: (number | string)[]): string {
    const attributes = { to: { int: ELEMENT_TYPE[type] } };
    return this.genai.op('Cast', `${this.path}/${name}`, [input], { type, shape, attributes });
  }

  filled(name: string, shape: string, type: ElementType, value: number, dims: (number | string)[]): string {
    const tensor = tensorProto('', type, [1], numberBytes([value], type));
    const attributes = { value: { tensor } };
    return this.genai.op('ConstantOfShape', `${this.path}/${name}`, [shape], { type, shape: dims, attributes });
  }
}

/**
 * The additive mask [batch, heads, sequence, total] of onnxruntime-genai's MultiHeadAttention graphs: a causal square for
 * the new tokens plus the attention mask, both with the type's lowest value. The square is sequence × sequence, so that
 * these graphs take several tokens with an empty past, or one token with any past.
 */
export function writeMhaMask(genai: GenaiGraph): string {
  const type = genai.context.spec.activations;
  const lowest = type === 'float16' ? -65504 : -3.4028234663852886e38;
  const full = [BATCH, 1, SEQUENCE, TOTAL];
  const past = new MaskPart(genai, `${ROOT}/past_key_subgraph`);
  const pastShape = past.int64('Shape', 'Shape', ['past_key_values.0.key'], [4]);
  const pastLength = past.joined('Gather', 'Gather', [pastShape, genai.constant('int64', 2)], []);

  const ids = new MaskPart(genai, `${ROOT}/input_ids_subgraph`);
  const one = genai.constant('int64', 1);
  const length = ids.joined('Gather', 'Gather_2', [ids.int64('Shape', 'Shape_2', ['input_ids'], [2]), one], []);
  const total = ids.int64('Add', 'Add_1', [length, pastLength], []);
  const axis0 = genai.constant('int64', [0]);
  const totalList = ids.int64('Unsqueeze', 'Unsqueeze_3', [total, axis0], [1]);
  const lengths = [4, 5, 6].map((n) => ids.int64('Unsqueeze', `Unsqueeze_${n}`, [length, axis0], [1]));
  const causal = writeCausalSquare(genai, ids, lengths.slice(0, 2), lowest);
  const idsShape = ids.int64('Shape', 'Shape_1', ['input_ids'], [2]);
  const batch = ids.joined('Gather', 'Gather_1', [idsShape, genai.constant('int64', 0)], []);
  const sizes = [
    ids.int64('Unsqueeze', 'Unsqueeze_1', [batch, axis0], [1]),
    genai.constant('int64', [1]),
    ids.int64('Unsqueeze', 'Unsqueeze_2', [length, axis0], [1]),
    totalList,
  ];
  const target = writeExpandShape(genai, ids, sizes, ['Concat_1', 'Shape_3', 'ConstantOfShape_1']);
  const square = ids.op('Expand', 'Expand', [causal, target], type, full);

  const padding = writePadding(genai, lengths[2]!, lowest);
  const mask = genai.op('Add', `${ROOT}/Add`, [padding, square], { type, shape: full });
  const { numHeads } = genai.context.spec;
  const repeats = genai.constant('int64', [1, numHeads, 1, 1]);
  return genai.op('Tile', `${ROOT}/Tile`, [mask, repeats], { type, shape: [BATCH, numHeads, SEQUENCE, TOTAL] });
}

/** [1, 1, sequence, sequence]: 0 where column < row + 1, else the lowest value. */
function writeCausalSquare(genai: GenaiGraph, ids: MaskPart, sides: string[], lowest: number): string {
  const type = genai.context.spec.activations;
  const dims = [SEQUENCE, SEQUENCE];
  const shape = ids.joined('Concat', 'Concat_2', sides, [2]);
  const low = ids.filled('ConstantOfShape_2', shape, type, lowest, dims);
  const axis0 = genai.constant('int64', [0]);
  const lastSide = (n: number) => {
    const size = ids.int64('Shape', `Shape_${n + 3}`, [low], [2]);
    const ends = [genai.constant('int64', [-1]), genai.constant('int64', [END])];
    const last = ids.int64('Slice', `Slice_${n}`, [size, ...ends, axis0], [1]);
    return ids.int64('Squeeze', `Squeeze_${n}`, [last, axis0], []);
  };
  const rows = ids.int64('Unsqueeze', 'output_0', [lastSide(1), axis0], [1]);
  const column = ids.joined('Concat', 'Concat_3', [rows, genai.constant('int64', [1])], [2]);
  const columns = lastSide(2);
  const one = genai.constant('int64', 1);
  const range = ids.int64('Range', 'Range', [genai.constant('int64', 0), columns, one], [SEQUENCE]);
  const ends = ids.int64(
    'Reshape',
    'Reshape',
    [ids.int64('Add', 'Add_2', [range, one], [SEQUENCE]), column],
    [SEQUENCE, 1],
  );
  const seen = ids.op('Less', 'Less', [range, ends], 'bool', dims);
  const zero = genai.constant(type, 0);
  const square = ids.op('Where', 'Where_2', [seen, zero, low], type, dims);
  const axis1 = genai.constant('int64', [1]);
  const lifted = ids.op('Unsqueeze', 'Unsqueeze_8', [square, axis0], type, [1, ...dims]);
  return ids.op('Unsqueeze', 'Unsqueeze_9', [lifted, axis1], type, [1, 1, ...dims]);
}

/** attention_mask expanded to [batch, 1, sequence, total]: 0 where it is 1, else the lowest value. */
function writePadding(genai: GenaiGraph, sequence: string, lowest: number): string {
  const type = genai.context.spec.activations;
  const part = new MaskPart(genai, `${ROOT}/attn_mask_subgraph`);
  const full = [BATCH, 1, SEQUENCE, TOTAL];
  const axis0 = genai.constant('int64', [0]);
  const axis1 = genai.constant('int64', [1]);
  const lifted = part.int64('Unsqueeze', 'Unsqueeze_3', ['attention_mask', axis1], [BATCH, 1, TOTAL]);
  const axis2 = genai.constant('int64', [2]);
  const rows = part.int64('Unsqueeze', 'Unsqueeze_4', [lifted, axis2], [BATCH, 1, 1, TOTAL]);
  const shapes = [1, 2].map((n) => part.int64('Shape', `Shape_${n}`, ['attention_mask'], [2]));
  const [batch, total] = shapes.map((shape, index) =>
    part.joined('Gather', `Gather_${index + 1}`, [shape, genai.constant('int64', index)], []),
  );
  const sizes = [
    part.int64('Unsqueeze', 'Unsqueeze_1', [batch!, axis0], [1]),
    axis1,
    sequence,
    part.int64('Unsqueeze', 'Unsqueeze_2', [total!, axis0], [1]),
  ];
  const target = writeExpandShape(genai, part, sizes, ['Concat', 'Shape_3', 'ConstantOfShape']);
  const expanded = part.int64('Expand', 'Expand', [rows, target], full);
  const floats = part.cast('Cast_1', expanded, type, full);
  const inverse = part.op('Sub', 'Sub', [genai.constant(type, 1), floats], type, full);
  const hidden = part.cast('Cast_2', inverse, 'bool', full);
  const low = genai.constant(type, lowest, type === 'float16' ? '-65504.0' : '-3.4028234663852886e+38');
  return part.op('Where', 'Where_2', [hidden, low, inverse], type, full);
}

/** The target of an Expand in which −1 would keep a dimension. */
function writeExpandShape(
  genai: GenaiGraph,
  part: MaskPart,
  sizes: string[],
  [concat, shape, ones]: [string, string, string],
): string {
  const wanted = part.joined('Concat', concat, sizes, [4]);
  const one = part.filled(ones, part.int64('Shape', shape, [wanted], [1]), 'int64', 1, [4]);
  const minus = part.int64('Mul', 'Mul', [one, genai.constant('int64', -1)], [4]);
  const keeps = part.op('Equal', 'Equal', [wanted, minus], 'bool', [4]);
  return part.int64('Where', 'Where_1', [keeps, one, wanted], [4]);
}
