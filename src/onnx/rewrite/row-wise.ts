import type { NodeProto } from 'onnx-buf';
import { intAttribute, intsAttribute } from '../attribute.js';
import type { Evaluator } from '../evaluate/evaluator.js';
import { NotEvaluable } from '../evaluate/tensor.js';
import { SAMPLE_CALL } from './analysis.js';

/** Work on every element alone. */
const ELEMENTWISE = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Where', 'Cast', 'Identity', 'Neg', 'Abs', 'Sqrt', 'Reciprocal'],
  ...['Exp', 'Log', 'Erf', 'Tanh', 'Sigmoid', 'Relu', 'LeakyRelu', 'Elu', 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu'],
  ...['Softplus', 'HardSigmoid', 'HardSwish', 'Swish', 'Clip', 'Mish'],
]);
/** Rows times the second input. */
const PROJECTIONS = new Set(['MatMul', 'MatMulNBits']);
/** Normalise each row over its last axis; the other inputs are weights. */
const NORMS = new Set(['SimplifiedLayerNormalization', 'LayerNormalization', 'RMSNormalization', 'Softmax']);
const SKIP_NORMS = new Set(['SkipSimplifiedLayerNormalization', 'SkipLayerNormalization']);
const REDUCTIONS = new Set(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceL2']);

/** An input of a node: one row for each row of the result, the same for all rows, or neither as far as one can tell. */
type Part = 'rows' | 'shared' | 'unknown';

function partOf(call: Evaluator, name: string): Part {
  const shape = call.shape(name);
  if (!shape) return 'unknown';
  if ((shape.at(-2) ?? 1) === 1) return 'shared';
  return shape.length === 3 && shape[1] === SAMPLE_CALL.sequence ? 'rows' : 'unknown';
}

const isLastAxis = (axes: readonly number[] | undefined) => axes?.length === 1 && (axes[0] === -1 || axes[0] === 2);

/** Axes as an attribute, or as a constant input. */
function axesOf(call: Evaluator, node: NodeProto, input: number): number[] | undefined {
  const attribute = intsAttribute(node, 'axes');
  if (attribute || !node.input[input]) return attribute;
  try {
    return [...call.value(node.input[input]).data];
  } catch (error) {
    if (error instanceof NotEvaluable) return undefined;
    throw error;
  }
}

/** Inputs among which those of rows are looked for; null for nodes that mix rows. */
function candidates(call: Evaluator, node: NodeProto): number[] | null {
  const { opType } = node;
  const all = node.input.flatMap((name, i) => (name === '' ? [] : [i]));
  if (ELEMENTWISE.has(opType)) return all;
  if (PROJECTIONS.has(opType)) return [0];
  if (NORMS.has(opType)) return isLastAxis([intAttribute(node, 'axis', -1)]) ? [0] : null;
  if (SKIP_NORMS.has(opType)) return [0, 1];
  if (REDUCTIONS.has(opType)) {
    return isLastAxis(axesOf(call, node, 1)) && intAttribute(node, 'keepdims', 1) === 1 ? [0] : null;
  }
  if (opType === 'Split') return isLastAxis([intAttribute(node, 'axis', 0)]) ? [0] : null;
  if (opType === 'Concat') return isLastAxis([intAttribute(node, 'axis', 0)]) ? all : null;
  if (opType === 'Slice') return isLastAxis(axesOf(call, node, 3)) ? [0] : null;
  return null;
}

/**
 * For a node that treats the rows of [batch, rows, width] values independently: the indices of the inputs that hold
 * rows. Null for any other node, and where shapes leave it open.
 */
export function rowInputs(call: Evaluator, node: NodeProto): number[] | null {
  const indices = candidates(call, node);
  if (!indices || partOf(call, node.output[0] ?? '') !== 'rows') return null;
  const parts = indices.map((index) => partOf(call, node.input[index]!));
  if (parts.includes('unknown')) return null;
  // Concat does not broadcast: a part that is the same for all rows cannot be there.
  if (node.opType === 'Concat' && parts.includes('shared')) return null;
  const rows = indices.filter((_, i) => parts[i] === 'rows');
  return rows.length > 0 ? rows : null;
}
