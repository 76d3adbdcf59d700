import { inverseFrequencies } from '../../rotary.js';
import { ELEMENT_TYPE } from '../../tensor-proto.js';
import { END, type OptimumScope } from './optimum-scope.js';

/** cos and sin of position_ids · inverse frequencies, each half repeated: [batch, sequence, rotaryDim]. */
export function writeOptimumAngles(scope: OptimumScope): { cos: string; sin: string } {
  const { spec } = scope.context;
  const { float32 } = ELEMENT_TYPE;
  const frequencies = inverseFrequencies(spec);
  const batch = scope.dimension('position_ids', 0);
  const shape = [scope.unsqueeze(batch, 0), scope.int64([-1]), scope.int64([1])];
  const table = scope.foldedFloats('Expand', frequencies, [1, frequencies.length, 1]);
  const inverse = scope.cast(scope.expand(table, shape), float32);
  const positions = scope.cast(scope.unsqueeze('position_ids', 1), float32);
  const wideInverse = scope.cast(inverse, float32);
  const product = scope.op('MatMul', [wideInverse, scope.cast(positions, float32)]);
  const half = scope.transpose(product, [0, 2, 1]);
  const angles = scope.concat([half, half], -1);
  const cos = scope.op('Cos', [angles]);
  const scaledCos = scope.op('Mul', [cos, scope.constant('float32', 1)]);
  const sin = scope.op('Sin', [angles]);
  const scaledSin = scope.op('Mul', [sin, scope.constant('float32', 1)]);
  const to = ELEMENT_TYPE[spec.activations];
  return { cos: scope.cast(scaledCos, to), sin: scope.cast(scaledSin, to) };
}

/** x · cos + rotate_half(x) · sin over the last axis of [batch, heads, sequence, headDim], all or its first part. */
export function writeOptimumRotation(scope: OptimumScope, input: string, cos: string, sin: string): string {
  const { rotaryDim, headDim } = scope.context.spec;
  const slice = (value: string, from: string, to: string) =>
    scope.op('Slice', [value, from, to, scope.int64([3]), scope.int64([1])]);
  if (rotaryDim < headDim) {
    const turning = slice(input, scope.int64([0]), scope.int64([rotaryDim]));
    const staying = slice(input, scope.int64([rotaryDim]), scope.int64([END]));
    return scope.concat([rotate(scope, turning, cos, sin), staying], -1);
  }
  return rotate(scope, input, cos, sin);
}

function rotate(scope: OptimumScope, input: string, cos: string, sin: string): string {
  const straight = scope.op('Mul', [input, cos]);
  const width = scope.dimension(input, 3);
  const quotient = scope.op('Div', [width, scope.int64(2)]);
  const half = scope.cast(scope.cast(quotient, ELEMENT_TYPE.int64), ELEMENT_TYPE.int64);
  const axis = scope.int64([3]);
  const start = scope.int64([0]);
  const first = scope.op('Slice', [input, start, scope.unsqueeze(half, 0), axis, scope.int64([1])]);
  const axis2 = scope.int64([3]);
  const from = scope.unsqueeze(half, 0);
  const second = scope.op('Slice', [input, from, scope.int64([END]), axis2, scope.int64([1])]);
  const turned = scope.concat([scope.op('Neg', [second]), first], -1);
  return scope.op('Add', [straight, scope.op('Mul', [turned, sin])]);
}
