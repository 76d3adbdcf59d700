import { intAttribute, intsAttribute } from '../../attribute.js';
import { tensorShape, tensorValues } from '../../tensor-values.js';
import { fromValues, NotEvaluable, normalizeAxis, scalar, stridesOf, zeros } from '../tensor.js';
import { and } from './elementwise.js';
import { list, need, type Op } from './op.js';

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
  if (Number.isNaN(k)) throw new NotEvaluable('Trilu with a diagonal that is not known');
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
    return fromValues(
      kept.filter((_, axis) => !axes.includes(axis)),
      out.data,
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

/** Ops that make, scan and reduce values. */
export const GENERATING_OPS: Readonly<Record<string, Op>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  Trilu: trilu,
  CumSum: cumSum,
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceMax: reduce(Math.max, Number.NEGATIVE_INFINITY),
  ReduceMin: reduce(Math.min, Number.POSITIVE_INFINITY),
  ReduceAll: reduce(and, 1),
};
