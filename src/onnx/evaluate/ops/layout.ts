import { intAttribute, intsAttribute } from '../../attribute.js';
import {
  broadcastShape,
  elements,
  expandTo,
  fromValues,
  gatherStrided,
  NotEvaluable,
  normalizeAxis,
  type SmallTensor,
  stridesOf,
  zeros,
} from '../tensor.js';
import { list, need, type Op } from './op.js';

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

const expand: Op = (_, inputs) => {
  const input = need(inputs, 0);
  return expandTo(input, broadcastShape([input.shape, [...need(inputs, 1).data]]));
};

/** Every axis is walked `repeats` times: as an axis of its own with stride 0 before it. */
const tile: Op = (_, inputs) => {
  const input = need(inputs, 0);
  const repeats = [...need(inputs, 1).data];
  const strides = stridesOf(input.shape);
  const tiled = gatherStrided(
    input,
    input.shape.flatMap((dim, axis) => [repeats[axis] ?? 1, dim]),
    strides.flatMap((stride) => [0, stride]),
  );
  return reshaped(
    tiled,
    input.shape.map((dim, axis) => dim * (repeats[axis] ?? 1)),
  );
};

const flatten: Op = (node, inputs) => {
  const input = need(inputs, 0);
  const axis = intAttribute(node, 'axis', 1);
  const at = axis < 0 ? axis + input.shape.length : axis;
  return reshaped(input, [elements(input.shape.slice(0, at)), elements(input.shape.slice(at))]);
};

/** Ops that move elements. */
export const LAYOUT_OPS: Readonly<Record<string, Op>> = {
  Flatten: flatten,
  Reshape: reshape,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  GatherND: gatherNd,
  Concat: concat,
  Slice: slice,
  Transpose: transpose,
};
