import type { NodeProto } from 'onnx-buf';
import { floatAttribute, intAttribute, intsAttribute } from '../attribute.js';
import { tensorShape, tensorValues } from '../tensor-values.js';
import {
  broadcastShape,
  elements,
  expandTo,
  fromValues,
  gatherStrided,
  NotEvaluable,
  normalizeAxis,
  type SmallTensor,
  scalar,
  stridesOf,
  zeros,
} from './tensor.js';

/** Inputs of a node in order; undefined where it has none. */
type Inputs = readonly (SmallTensor | undefined)[];
type Op = (node: NodeProto, inputs: Inputs) => SmallTensor;

function need(inputs: Inputs, index: number): SmallTensor {
  const input = inputs[index];
  if (!input) throw new NotEvaluable(`input ${index} is missing`);
  return input;
}

const list = (tensor: SmallTensor | undefined) => (tensor ? [...tensor.data] : undefined);

const unary =
  (fn: (x: number) => number): Op =>
  (_, inputs) => {
    const { shape, data } = need(inputs, 0);
    return { shape, data: data.map(fn) };
  };

const nary =
  (fn: (...values: number[]) => number): Op =>
  (_, inputs) => {
    const tensors = inputs.map((_, i) => need(inputs, i));
    const shape = broadcastShape(tensors.map((tensor) => tensor.shape));
    const expanded = tensors.map((tensor) => expandTo(tensor, shape).data);
    const out = zeros(shape);
    for (let i = 0; i < out.data.length; i++) out.data[i] = fn(...expanded.map((data) => data[i]!));
    return out;
  };

const reshaped = ({ data }: SmallTensor, shape: readonly number[]) => fromValues(shape, data);

const reshape: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const keepZero = intAttribute(node, 'allowzero', 0) === 1;
  const shape = [...need(inputs, 1).data].map((dim, i) => (dim === 0 && !keepZero ? (input.shape[i] ?? 0) : dim));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = elements(input.shape) / elements(shape.filter((dim) => dim !== -1));
  return reshaped(input, shape);
};

const unsqueeze: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const axes = intsAttribute(node, 'axes') ?? list(inputs[1]) ?? [];
  const rank = input.shape.length + axes.length;
  const inserted = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  const rest = [...input.shape];
  return reshaped(
    input,
    Array.from({ length: rank }, (_, axis) => (inserted.has(axis) ? 1 : rest.shift()!)),
  );
};

const squeeze: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const axes = (intsAttribute(node, 'axes') ?? list(inputs[1]))?.map((axis) => normalizeAxis(axis, input.shape.length));
  return reshaped(
    input,
    input.shape.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)),
  );
};

const gather: Op = (node, inputs) => {
  const data = need(inputs, 0);
  const indices = need(inputs, 1);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), data.shape.length);
  const size = data.shape[axis]!;
  const inner = elements(data.shape.slice(axis + 1));
  const outer = elements(data.shape.slice(0, axis));
  const out = zeros([...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)]);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices.data) {
      const from = (o * size + (index < 0 ? index + size : index)) * inner;
      for (let i = 0; i < inner; i++) out.data[at++] = data.data[from + i]!;
    }
  }
  return out;
};

const gatherNd: Op = (node, inputs) => {
  const data = need(inputs, 0);
  const indices = need(inputs, 1);
  if (intAttribute(node, 'batch_dims', 0) !== 0) throw new NotEvaluable('GatherND with batch_dims');
  const depth = indices.shape.at(-1) ?? 1;
  const strides = stridesOf(data.shape);
  const inner = elements(data.shape.slice(depth));
  const out = zeros([...indices.shape.slice(0, -1), ...data.shape.slice(depth)]);
  for (let row = 0; row < indices.data.length / depth; row++) {
    let from = 0;
    for (let i = 0; i < depth; i++) {
      const index = indices.data[row * depth + i]!;
      from += (index < 0 ? index + data.shape[i]! : index) * strides[i]!;
    }
    for (let i = 0; i < inner; i++) out.data[row * inner + i] = data.data[from + i]!;
  }
  return out;
};

const concat: Op = (node, inputs) => {
  const tensors = inputs.map((_, i) => need(inputs, i));
  const rank = tensors[0]!.shape.length;
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), rank);
  const shape = [...tensors[0]!.shape];
  shape[axis] = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0);
  const out = zeros(shape);
  const outer = elements(shape.slice(0, axis));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const { shape: own, data } of tensors) {
      const chunk = elements(own.slice(axis));
      out.data.set(data.subarray(o * chunk, (o + 1) * chunk), at);
      at += chunk;
    }
  }
  return out;
};

const slice: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const starts = intsAttribute(node, 'starts') ?? list(inputs[1]) ?? [];
  const ends = intsAttribute(node, 'ends') ?? list(inputs[2]) ?? [];
  const axes = intsAttribute(node, 'axes') ?? list(inputs[3]) ?? starts.map((_, i) => i);
  const steps = list(inputs[4]) ?? starts.map(() => 1);
  const shape = [...input.shape];
  const strides = stridesOf(input.shape);
  let start = 0;
  for (const [i, rawAxis] of axes.entries()) {
    const axis = normalizeAxis(rawAxis, shape.length);
    const size = input.shape[axis]!;
    const step = steps[i]!;
    const clamp = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + size : value, low), high);
    const from = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, 0, size - 1);
    const to = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1);
    start += from * strides[axis]!;
    shape[axis] = Math.max(0, Math.ceil((to - from) / step));
    strides[axis]! *= step;
  }
  return gatherStrided(input, shape, strides, start);
};

const transpose: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const perm = intsAttribute(node, 'perm') ?? input.shape.map((_, i) => input.shape.length - 1 - i);
  const strides = stridesOf(input.shape);
  return gatherStrided(
    input,
    perm.map((axis) => input.shape[axis]!),
    perm.map((axis) => strides[axis]!),
  );
};

const range: Op = (_, inputs) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => need(inputs, i).data[0]!) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const out = zeros([count]);
  for (let i = 0; i < count; i++) out.data[i] = start + i * delta;
  return out;
};

const trilu: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const k = inputs[1]?.data[0] ?? 0;
  const upper = intAttribute(node, 'upper', 1) === 1;
  const [rows, columns] = input.shape.slice(-2) as [number, number];
  const data = input.data.map((value, at) => {
    const column = at % columns;
    const row = Math.floor(at / columns) % rows;
    return (upper ? column - row >= k : column - row <= k) ? value : 0;
  });
  return { shape: input.shape, data };
};

const cumSum: Op = (node, inputs) => {
  const input = need(inputs, 0);
  if (intAttribute(node, 'exclusive', 0) || intAttribute(node, 'reverse', 0)) throw new NotEvaluable('CumSum variants');
  const axis = normalizeAxis(need(inputs, 1).data[0]!, input.shape.length);
  const stride = stridesOf(input.shape)[axis]!;
  const data = input.data.slice();
  for (let at = 0; at < data.length; at++) {
    if (Math.floor(at / stride) % input.shape[axis]! > 0) data[at]! += data[at - stride]!;
  }
  return { shape: input.shape, data };
};

const reduce =
  (fn: (a: number, b: number) => number, initial: number): Op =>
  (node, inputs) => {
    const input = need(inputs, 0);
    const rank = input.shape.length;
    const axes = (intsAttribute(node, 'axes') ?? list(inputs[1]) ?? input.shape.map((_, i) => i)).map((axis) =>
      normalizeAxis(axis, rank),
    );
    const kept = input.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    const out = zeros(kept);
    out.data.fill(initial);
    const from = stridesOf(input.shape);
    const to = stridesOf(kept);
    for (let at = 0; at < input.data.length; at++) {
      let target = 0;
      for (let axis = 0; axis < rank; axis++) {
        if (!axes.includes(axis)) target += (Math.floor(at / from[axis]!) % input.shape[axis]!) * to[axis]!;
      }
      out.data[target] = fn(out.data[target]!, input.data[at]!);
    }
    if (intAttribute(node, 'keepdims', 1) === 1) return out;
    return reshaped(
      out,
      kept.filter((_, axis) => !axes.includes(axis)),
    );
  };

const constant: Op = (node) => {
  for (const attribute of node.attribute) {
    if (attribute.name === 'value_int') return scalar(Number(attribute.i));
    if (attribute.name === 'value_float') return scalar(attribute.f);
    if (attribute.name === 'value_ints') return fromValues([attribute.ints.length], attribute.ints.map(Number));
    const values = attribute.name === 'value' && attribute.t ? tensorValues(attribute.t) : null;
    if (values) return fromValues(tensorShape(attribute.t!), values);
  }
  throw new NotEvaluable('a large constant');
};

const constantOfShape: Op = (node, inputs) => {
  const out = zeros([...need(inputs, 0).data]);
  const value = node.attribute.find(({ name }) => name === 'value')?.t;
  out.data.fill(value ? (tensorValues(value)?.[0] ?? 0) : 0);
  return out;
};

/** TensorProto.DataType of the integer types: casting to them drops fractions. */
const INTEGER_TYPES = new Set([2, 3, 4, 5, 6, 7, 12, 13]);
const BOOL_TYPE = 9;

const cast: Op = (node, inputs) => {
  const to = intAttribute(node, 'to', 1);
  const { shape, data } = need(inputs, 0);
  if (to === BOOL_TYPE) return { shape, data: data.map((x) => Number(x !== 0)) };
  return { shape, data: INTEGER_TYPES.has(to) ? data.map(Math.trunc) : data };
};

/** Ops that exporters build masks, positions and scales from. */
export const OPS: Readonly<Record<string, Op>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Identity: unary((x) => x),
  Cast: cast,
  Neg: unary((x) => -x),
  Not: unary((x) => Number(x === 0)),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Abs: unary(Math.abs),
  IsNaN: unary((x) => Number(Number.isNaN(x))),
  IsInf: unary((x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY)),
  Add: nary((a, b) => a! + b!),
  Sub: nary((a, b) => a! - b!),
  Mul: nary((a, b) => a! * b!),
  Div: nary((a, b) => a! / b!),
  Mod: nary((a, b) => ((a! % b!) + b!) % b!),
  Pow: nary((a, b) => a! ** b!),
  Min: nary(Math.min),
  Max: nary(Math.max),
  And: nary((a, b) => Number(a !== 0 && b !== 0)),
  Or: nary((a, b) => Number(a !== 0 || b !== 0)),
  Xor: nary((a, b) => Number((a !== 0) !== (b !== 0))),
  Equal: nary((a, b) => Number(a === b)),
  Less: nary((a, b) => Number(a! < b!)),
  LessOrEqual: nary((a, b) => Number(a! <= b!)),
  Greater: nary((a, b) => Number(a! > b!)),
  GreaterOrEqual: nary((a, b) => Number(a! >= b!)),
  Where: nary((condition, a, b) => (condition !== 0 ? a! : b!)),
  Reshape: reshape,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Expand: (_, inputs) => {
    const input = need(inputs, 0);
    return expandTo(input, broadcastShape([input.shape, [...need(inputs, 1).data]]));
  },
  Gather: gather,
  GatherND: gatherNd,
  Concat: concat,
  Slice: slice,
  Transpose: transpose,
  Range: range,
  Trilu: trilu,
  CumSum: cumSum,
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceMax: reduce(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduce(Math.min, Number.POSITIVE_INFINITY),
  ReduceAll: reduce((a, b) => Number(a !== 0 && b !== 0), 1),
  Clip: (node, inputs) => {
    const { shape, data } = need(inputs, 0);
    const low = inputs[1]?.data[0] ?? floatAttribute(node, 'min', Number.NEGATIVE_INFINITY);
    const high = inputs[2]?.data[0] ?? floatAttribute(node, 'max', Number.POSITIVE_INFINITY);
    return { shape, data: data.map((x) => Math.min(Math.max(x, low), high)) };
  },
};
