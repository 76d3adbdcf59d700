import type { NodeProto } from 'onnx-buf';
import { intAttribute, intsAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';

/** Work on every element alone. */
const ELEMENTWISE = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Where', 'Cast', 'Identity', 'Neg', 'Abs', 'Sqrt', 'Reciprocal'],
  ...['Exp', 'Log', 'Erf', 'Tanh', 'Sigmoid', 'Relu', 'LeakyRelu', 'Elu', 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu'],
  ...['Softplus', 'HardSigmoid', 'HardSwish', 'Swish', 'Clip', 'Mish'],
]);
/** Rows times a weight that is the second input. */
const PROJECTIONS = new Set(['MatMul', 'MatMulNBits', 'MatMulInteger', 'FusedMatMul']);
const NORMS = new Set(['SimplifiedLayerNormalization', 'LayerNormalization', 'RMSNormalization']);
const SKIP_NORMS = new Set(['SkipSimplifiedLayerNormalization', 'SkipLayerNormalization']);

/** True for values that depend on no graph input. */
export function isConstantValue(graph: Graph, name: string, depth = 0): boolean {
  if (graph.initializer(name)) return true;
  const node = graph.producer(name);
  if (!node || depth > 8) return false;
  return node.input.every((input) => input === '' || isConstantValue(graph, input, depth + 1));
}

const lastAxisOnly = (axes: readonly number[] | null | undefined) =>
  axes?.length === 1 && (axes[0] === -1 || axes[0] === 2);

/**
 * For a node that treats the rows of [batch, rows, width] values independently: the indices of the inputs that hold
 * rows. Null for any other node.
 */
export function rowInputs(graph: Graph, node: NodeProto): number[] | null {
  const variable = (from: number) =>
    node.input.flatMap((name, i) => (i >= from && name !== '' && !isConstantValue(graph, name) ? [i] : []));
  const only = (indices: readonly number[]) =>
    variable(0).every((i) => indices.includes(i)) ? indices.filter((i) => variable(0).includes(i)) : null;

  if (ELEMENTWISE.has(node.opType)) return variable(0);
  if (PROJECTIONS.has(node.opType)) return only([0]);
  if (NORMS.has(node.opType)) return lastAxisOnly([intAttribute(node, 'axis', -1)]) ? only([0]) : null;
  if (SKIP_NORMS.has(node.opType)) return only([0, 1]);
  if (node.opType === 'Softmax') return lastAxisOnly([intAttribute(node, 'axis', -1)]) ? only([0]) : null;
  if (node.opType === 'ReduceMean' || node.opType === 'ReduceSum') {
    const axes = intsAttribute(node, 'axes') ?? (node.input[1] ? graph.constant(node.input[1]) : null);
    return lastAxisOnly(axes) && intAttribute(node, 'keepdims', 1) === 1 ? only([0]) : null;
  }
  if (node.opType === 'Split' || node.opType === 'Concat') {
    return lastAxisOnly([intAttribute(node, 'axis', 0)]) ? variable(0) : null;
  }
  if (node.opType === 'Slice') {
    return node.input[3] && lastAxisOnly(graph.constant(node.input[3])) ? only([0]) : null;
  }
  return null;
}
