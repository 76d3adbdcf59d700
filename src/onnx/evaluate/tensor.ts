/**
 * A small tensor during evaluation: row-major, booleans as 0 and 1, integers exact up to 2^53. NaN is a value that is not
 * known; what depends on one is not known either.
 */
export interface SmallTensor {
  shape: readonly number[];
  data: Float64Array;
}

/** Masks are evaluated at sizes far below this; anything larger is no mask. */
const MAX_ELEMENTS = 1 << 22;

/** The value cannot be evaluated: an unknown op, data that is not there, or too many elements. */
export class NotEvaluable extends Error {}

/** The graph itself cannot be run in this way: shapes contradict each other. */
export class NotRunnable extends NotEvaluable {}

export const elements = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

export function zeros(shape: readonly number[]): SmallTensor {
  const count = elements(shape);
  const isShape = shape.every((dim) => Number.isInteger(dim) && dim >= 0);
  if (!isShape || !(count <= MAX_ELEMENTS)) throw new NotEvaluable(`a value of shape [${shape.join(', ')}]`);
  return { shape, data: new Float64Array(count) };
}

/** Not known, where the operand is not. */
export const ifKnown = (x: number, result: (x: number) => number): number => (Number.isNaN(x) ? x : result(x));

export const scalar = (value: number): SmallTensor => ({ shape: [], data: Float64Array.of(value) });

export function fromValues(shape: readonly number[], values: ArrayLike<number>): SmallTensor {
  const tensor = zeros(shape);
  if (values.length !== tensor.data.length) throw new NotEvaluable(`${values.length} values for [${shape.join(', ')}]`);
  tensor.data.set(values);
  return tensor;
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = dims.find((dim) => dim !== 1) ?? 1;
    if (dims.some((dim) => dim !== 1 && dim !== size)) {
      throw new NotRunnable(`shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')} do not broadcast`);
    }
    return size;
  });
}

/** The tensor with numpy broadcasting applied. */
export function expandTo(tensor: SmallTensor, shape: readonly number[]): SmallTensor {
  if (tensor.shape.length === shape.length && tensor.shape.every((dim, i) => dim === shape[i])) return tensor;
  const offset = shape.length - tensor.shape.length;
  const own = stridesOf(tensor.shape);
  const strides = shape.map((_, axis) =>
    axis < offset || tensor.shape[axis - offset] === 1 ? 0 : own[axis - offset]!,
  );
  return gatherStrided(tensor, shape, strides);
}

/** out[i0, i1, …] = data[start + Σ i·stride]. */
export function gatherStrided(
  tensor: SmallTensor,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): SmallTensor {
  const out = zeros(shape);
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let at = start;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = tensor.data[at]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (normalized < 0 || normalized >= Math.max(rank, 1)) throw new NotEvaluable(`axis ${axis} of ${rank} dimensions`);
  return normalized;
}
