import type { NodeProto } from 'onnx-buf';
import { NotEvaluable, type SmallTensor } from '../tensor.js';

/** Inputs of a node in order; undefined where it has none. */
export type Inputs = readonly (SmallTensor | undefined)[];
/** `integer`: the first input holds integers, whose division drops the rest. */
export type Op = (node: NodeProto, inputs: Inputs, integer: boolean) => SmallTensor;

export function need(inputs: Inputs, index: number): SmallTensor {
  const input = inputs[index];
  if (!input) throw new NotEvaluable(`input ${index} is missing`);
  return input;
}

export const list = (tensor: SmallTensor | undefined): number[] | undefined => (tensor ? [...tensor.data] : undefined);
