import { floatAttribute, intAttribute } from '../../attribute.js';
import { ELEMENT, isInteger } from '../../value-info.js';
import { broadcastShape, expandTo, ifKnown, NotEvaluable, type SmallTensor, zeros } from '../tensor.js';
import { need, type Op } from './op.js';

const unary =
  (fn: (x: number) => number): Op =>
  (_, inputs) => {
    const { shape, data } = need(inputs, 0);
    return { shape, data: data.map(fn) };
  };

/** Elements as an operation walks them: one value for all, or one for each. */
interface Walk {
  data: Float64Array;
  step: 0 | 1;
}

function walkOf(tensor: SmallTensor, shape: readonly number[]): Walk {
  if (tensor.data.length === 1) return { data: tensor.data, step: 0 };
  return { data: expandTo(tensor, shape).data, step: 1 };
}

/** Two or three operands, broadcast. Loops of their own, because masks have as many elements as keys. */
const nary =
  (fn: (a: number, b: number, c: number) => number): Op =>
  (_, inputs) => {
    const tensors = inputs.map((_, i) => need(inputs, i));
    const shape = broadcastShape(tensors.map((tensor) => tensor.shape));
    const out = zeros(shape);
    const [a, b = a, c = b] = tensors.map((tensor) => walkOf(tensor, shape));
    if (!a || !b || !c) throw new NotEvaluable('no inputs');
    for (let i = 0; i < out.data.length; i++) {
      out.data[i] = fn(a.data[i * a.step]!, b.data[i * b.step]!, c.data[i * c.step]!);
    }
    return out;
  };

/** What is not known, NaN, compares to nothing known. */
const comparison = (fn: (a: number, b: number) => boolean): Op =>
  nary((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Number(fn(a, b))));

const truth = (x: number) => ifKnown(x, (value) => Number(value !== 0));

/** False as soon as one operand is, whatever the other one may be. */
export const and = (a: number, b: number): number =>
  a === 0 || b === 0 ? 0 : Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : 1;

/** Any number of operands. */
const fold =
  (fn: (a: number, b: number) => number): Op =>
  (node, inputs, integer) => {
    let result = need(inputs, 0);
    for (let i = 1; i < inputs.length; i++) {
      result = nary(fn)(node, [result, need(inputs, i)], integer);
    }
    return result;
  };

const cast: Op = (node, inputs) => {
  const to = intAttribute(node, 'to', 1);
  const { shape, data } = need(inputs, 0);
  if (to === ELEMENT.bool) return { shape, data: data.map((value) => ifKnown(value, (x) => Number(x !== 0))) };
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
  Not: unary((value) => ifKnown(value, (x) => Number(x === 0))),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  // No value that is known is NaN.
  IsNaN: unary((value) => ifKnown(value, () => 0)),
  IsInf: unary((value) => ifKnown(value, (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY))),
  Add: nary((a, b) => a + b),
  Sub: nary((a, b) => a - b),
  Mul: nary((a, b) => a * b),
  Div: (node, inputs, integer) => nary((a, b) => (integer ? Math.trunc(a / b) : a / b))(node, inputs, integer),
  Mod: nary((a, b) => ((a % b) + b) % b),
  Pow: nary((a, b) => a ** b),
  Min: fold((a, b) => Math.min(a, b)),
  Max: fold((a, b) => Math.max(a, b)),
  And: nary(and),
  Or: nary((a, b) => 1 - and(1 - truth(a), 1 - truth(b))),
  Xor: nary((a, b) => Math.abs(truth(a) - truth(b))),
  Equal: comparison((a, b) => a === b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Where: nary((condition, a, b) => (Number.isNaN(condition) ? Number.NaN : condition !== 0 ? a : b)),
  Clip: clip,
};
