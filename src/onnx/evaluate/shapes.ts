import type { NodeProto } from 'onnx-buf';
import { intAttribute, intsAttribute } from '../attribute.js';
import { broadcastShape, elements, NotEvaluable, normalizeAxis, type SmallTensor } from './tensor.js';

export type Shape = readonly number[];

/** What is known about a node's inputs: shapes (null: unknown) and the values of small ones. */
export interface ShapeInputs {
  shape(index: number): Shape | null;
  value(index: number): SmallTensor | undefined;
}

type ShapeRule = (node: NodeProto, inputs: ShapeInputs) => Shape[];

/** Shape of an input. */
function given(inputs: ShapeInputs, index: number): Shape {
  const shape = inputs.shape(index);
  if (!shape) throw new NotEvaluable(`the shape of input ${index}`);
  return shape;
}

function numbers(inputs: ShapeInputs, index: number): number[] {
  const value = inputs.value(index);
  if (!value) throw new NotEvaluable(`the value of input ${index}`);
  return [...value.data];
}

/** First output as the first input. */
const same: ShapeRule = (_, inputs) => [given(inputs, 0)];

const broadcast: ShapeRule = (node, inputs) => [broadcastShape(node.input.map((_, i) => given(inputs, i)))];

const matMul: ShapeRule = (_, inputs) => {
  const [a, b] = [given(inputs, 0), given(inputs, 1)];
  if (a.length < 2 || b.length < 2 || a.at(-1) !== b.at(-2))
    throw new NotEvaluable('a product of other ranks or sizes');
  return [[...broadcastShape([a.slice(0, -2), b.slice(0, -2)]), a.at(-2)!, b.at(-1)!]];
};

const gemm: ShapeRule = (node, inputs) => {
  const [a, b] = [given(inputs, 0), given(inputs, 1)];
  return [[a[intAttribute(node, 'transA', 0) ? 1 : 0]!, b[intAttribute(node, 'transB', 0) ? 0 : 1]!]];
};

const quantizedMatMul: ShapeRule = (node, inputs) => [
  [...given(inputs, 0).slice(0, -1), intAttribute(node, 'N', Number.NaN)],
];

const reshape: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const keepZero = intAttribute(node, 'allowzero', 0) === 1;
  const shape = numbers(inputs, 1).map((dim, i) => (dim === 0 && !keepZero ? (input[i] ?? 0) : dim));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = elements(input) / elements(shape.filter((_, i) => i !== open));
  if (elements(shape) !== elements(input)) throw new NotEvaluable('a reshape to another number of elements');
  return [shape];
};

/** Ops whose effect on a shape is the same as on one small tensor of that shape, given their other inputs' values. */
const gather: ShapeRule = (node, inputs) => {
  const data = given(inputs, 0);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), data.length);
  return [[...data.slice(0, axis), ...given(inputs, 1), ...data.slice(axis + 1)]];
};

const concat: ShapeRule = (node, inputs) => {
  const shapes = node.input.map((_, i) => given(inputs, i));
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shapes[0]!.length);
  const sum = shapes.reduce((total, shape) => total + shape[axis]!, 0);
  return [shapes[0]!.map((dim, i) => (i === axis ? sum : dim))];
};

const split: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), input.length);
  const count = node.output.length;
  const even = Math.ceil(input[axis]! / count);
  const sizes =
    intsAttribute(node, 'split') ??
    (node.input[1]
      ? numbers(inputs, 1)
      : Array.from({ length: count }, (_, i) => Math.min(even, input[axis]! - i * even)));
  return sizes.map((size) => input.map((dim, i) => (i === axis ? size : dim)));
};

const transpose: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const perm = intsAttribute(node, 'perm') ?? input.map((_, i) => input.length - 1 - i);
  return [perm.map((axis) => input[normalizeAxis(axis, input.length)]!)];
};

const axesOf = (node: NodeProto, inputs: ShapeInputs): number[] | undefined =>
  intsAttribute(node, 'axes') ?? (node.input[1] ? numbers(inputs, 1) : undefined);

const reduce: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const axes = (axesOf(node, inputs) ?? input.map((_, i) => i)).map((axis) => normalizeAxis(axis, input.length));
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  return [input.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]))];
};

const unsqueeze: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const axes = axesOf(node, inputs) ?? [];
  const rank = input.length + axes.length;
  const inserted = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  const rest = [...input];
  return [Array.from({ length: rank }, (_, axis) => (inserted.has(axis) ? 1 : rest.shift()!))];
};

const squeeze: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const axes = axesOf(node, inputs)?.map((axis) => normalizeAxis(axis, input.length));
  return [input.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1))];
};

const expand: ShapeRule = (_, inputs) => [broadcastShape([given(inputs, 0), numbers(inputs, 1)])];

const slice: ShapeRule = (node, inputs) => {
  const shape = [...given(inputs, 0)];
  const list = (index: number, name: string) =>
    intsAttribute(node, name) ?? (node.input[index] ? numbers(inputs, index) : undefined);
  const starts = list(1, 'starts') ?? [];
  const ends = list(2, 'ends') ?? [];
  const axes = list(3, 'axes') ?? starts.map((_, i) => i);
  const steps = node.input[4] ? numbers(inputs, 4) : starts.map(() => 1);
  for (const [i, raw] of axes.entries()) {
    const axis = normalizeAxis(raw, shape.length);
    const size = shape[axis]!;
    const step = steps[i]!;
    const at = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + size : value, low), high);
    const from = step > 0 ? at(starts[i]!, 0, size) : at(starts[i]!, 0, size - 1);
    const to = step > 0 ? at(ends[i]!, 0, size) : at(ends[i]!, -1, size - 1);
    shape[axis] = Math.max(0, Math.ceil((to - from) / step));
  }
  return [shape];
};

const flatten: ShapeRule = (node, inputs) => {
  const input = given(inputs, 0);
  const axis = intAttribute(node, 'axis', 1);
  const at = axis < 0 ? axis + input.length : axis;
  return [[elements(input.slice(0, at)), elements(input.slice(at))]];
};

const tile: ShapeRule = (_, inputs) => {
  const repeats = numbers(inputs, 1);
  return [given(inputs, 0).map((dim, axis) => dim * (repeats[axis] ?? Number.NaN))];
};

const range: ShapeRule = (_, inputs) => {
  const [[start], [limit], [delta]] = [numbers(inputs, 0), numbers(inputs, 1), numbers(inputs, 2)];
  return [[Math.max(0, Math.ceil((limit! - start!) / delta!))]];
};

/** 4-bit values may be packed in bytes, two in one. */
const gatherBlockQuantized: ShapeRule = (node, inputs) => {
  const data = [...given(inputs, 0)];
  const axis = normalizeAxis(intAttribute(node, 'gather_axis', 0), data.length);
  const scales = given(inputs, 2);
  const blocks = scales.at(-1)! * intAttribute(node, 'block_size', 128);
  if (intAttribute(node, 'bits', 4) === 4 && blocks >= 2 * data.at(-1)!) data[data.length - 1]! *= 2;
  return [[...data.slice(0, axis), ...given(inputs, 1), ...data.slice(axis + 1)]];
};

/** Ops of attention that give rows of `heads · head_dim`: wide as the query, or its share of packed QKV. */
const attention: ShapeRule = (node, inputs) => {
  const query = given(inputs, 0);
  if (query.length !== 3 || node.input[1]) return [query];
  const [heads, kvHeads] = [intAttribute(node, 'num_heads', 0), intAttribute(node, 'kv_num_heads', 0)];
  return [[...query.slice(0, -1), (query.at(-1)! * heads) / (heads + 2 * kvHeads)]];
};

const SAME = [
  ...['Softmax', 'LogSoftmax', 'LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization', 'Cos', 'Sin'],
  ...['Sigmoid', 'Tanh', 'Erf', 'Gelu', 'FastGelu', 'QuickGelu', 'Relu', 'Elu', 'LeakyRelu', 'Softplus', 'Swish'],
  ...['HardSigmoid', 'HardSwish', 'Mish', 'Exp', 'Log', 'Dropout', 'RotaryEmbedding', 'DequantizeLinear', 'Trilu'],
  ...['CumSum', 'QuickGelu', 'Sign', 'Ceil', 'Round', 'Clip', 'LpNormalization'],
];
const BROADCAST = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Pow', 'Min', 'Max', 'And', 'Or', 'Xor', 'Equal', 'Less', 'LessOrEqual'],
  ...['Greater', 'GreaterOrEqual', 'Where', 'BiasGelu'],
];
const UNARY = ['Identity', 'Cast', 'CastLike', 'Neg', 'Not', 'Sqrt', 'Reciprocal', 'Abs', 'Floor', 'IsNaN', 'IsInf'];

/** SkipLayerNormalization and its kin also give the sum, as output 3. */
const skipNorm: ShapeRule = (node, inputs) => node.output.map(() => given(inputs, 0));

const RULES = new Map<string, ShapeRule>([
  ...[...SAME, ...UNARY].map((op): [string, ShapeRule] => [op, same]),
  ...BROADCAST.map((op): [string, ShapeRule] => [op, broadcast]),
  ...['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceAll'].map((op): [string, ShapeRule] => [
    op,
    reduce,
  ]),
  ...['SparseAttention', 'AttentionProbe', 'GroupQueryAttention', 'MultiHeadAttention', 'Attention'].map(
    (op): [string, ShapeRule] => [op, attention],
  ),
  ['SkipSimplifiedLayerNormalization', skipNorm],
  ['SkipLayerNormalization', skipNorm],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['MatMulNBits', quantizedMatMul],
  ['GatherBlockQuantized', gatherBlockQuantized],
  ['Gather', gather],
  ['Concat', concat],
  ['Split', split],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
  ['Squeeze', squeeze],
  ['Expand', expand],
  ['Slice', slice],
  ['Flatten', flatten],
  ['Tile', tile],
  ['Range', range],
  ['ConstantOfShape', (_, inputs) => [numbers(inputs, 0)]],
]);

/** Shapes of a node's outputs, as far as they follow from its inputs'; [] when they do not. */
export function outputShapes(node: NodeProto, inputs: ShapeInputs): Shape[] {
  const rule = RULES.get(node.opType);
  if (!rule) return [];
  try {
    return rule(node, inputs).map((shape) => {
      if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) throw new NotEvaluable('a shape of no sense');
      return shape;
    });
  } catch (error) {
    if (error instanceof NotEvaluable) return [];
    throw error;
  }
}
