import { floatAttribute, intAttribute } from '../../attribute.js';
import { ELEMENT, isInteger } from '../../value-info.js';
import { broadcastShape, expandTo, zeros } from '../tensor.js';
import { need, type Op } from './op.js';

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

const cast: Op = (node, inputs) => {
  const to = intAttribute(node, 'to', 1);
  const { shape, data } = need(inputs, 0);
  if (to === ELEMENT.bool) return { shape, data: data.map((x) => Number(x !== 0)) };
  return { shape, data: isInteger(to) ? data.map(Math.trunc) : data };
};

const clip: Op = (node, inputs) => {
  const { shape, data } = need(inputs, 0);
  const low = inputs[1]?.data[0] ?? floatAttribute(node, 'min', Number.NEGATIVE_INFINITY);
  const high = inputs[2]?.data[0] ?? floatAttribute(node, 'max', Number.POSITIVE_INFINITY);
  return { shape, data: data.map((x) => Math.min(Math.max(x, low), high)) };
};

export const ELEMENTWISE_OPS: Readonly<Record<string, Op>> = {
  Identity: unary((x) => x),
  Cast: cast,
  CastLike: unary((x) => x),
  Neg: unary((x) => -x),
  Not: unary((x) => Number(x === 0)),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  IsNaN: unary((x) => Number(Number.isNaN(x))),
  IsInf: unary((x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY)),
  Add: nary((a, b) => a! + b!),
  Sub: nary((a, b) => a! - b!),
  Mul: nary((a, b) => a! * b!),
  Div: (node, inputs, integer) => nary((a, b) => (integer ? Math.trunc(a! / b!) : a! / b!))(node, inputs, integer),
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
  Clip: clip,
};
