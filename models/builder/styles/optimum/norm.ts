import { ELEMENT_TYPE, floatBytes } from '../../tensor-proto.js';
import type { OptimumScope } from './optimum-scope.js';

/**
 * RMS norm in single ops, computed in float32: x · (1 / √(mean(x²) + ε)) · weight.
 *
 * @returns the normed value, and the input in float32, which the exporter reuses where the types are equal
 */
export function writeOptimumNorm(
  scope: OptimumScope,
  { input, weight, size }: { input: string; weight: string; size: number },
): { normed: string; input: string } {
  const { graph, spec, weights } = scope.context;
  const type = spec.activations;
  graph.weight(weight, type, [size], () => floatBytes(weights.get(weight), type));
  const wide = scope.cast(input, ELEMENT_TYPE.float32);
  const squares = scope.op('Pow', [wide, scope.constant('float32', 2)]);
  const mean = scope.op('ReduceMean', [squares, scope.int64([-1])], { keepdims: { int: 1 } });
  const shifted = scope.op('Add', [mean, scope.constant('float32', spec.rmsNormEps)]);
  const root = scope.op('Sqrt', [shifted]);
  const factor = scope.op('Div', [scope.constant('float32', 1), root]);
  const scaled = scope.op('Mul', [wide, factor]);
  const narrow = scope.cast(scaled, ELEMENT_TYPE[type]);
  return { normed: scope.op('Mul', [weight, narrow]), input: type === 'float32' ? wide : input };
}
