import type { NodeProto } from 'onnx-buf';
import { tensorValues } from './tensor-values.js';

/** Elements that a Constant node gives; null when it is large or no numbers. */
export function constantValues(node: NodeProto): number[] | null {
  const [attribute] = node.attribute;
  switch (attribute?.name) {
    case 'value':
      return attribute.t ? tensorValues(attribute.t) : null;
    case 'value_int':
      return [Number(attribute.i)];
    case 'value_float':
      return [attribute.f];
    case 'value_ints':
      return attribute.ints.map(Number);
    case 'value_floats':
      return [...attribute.floats];
    default:
      return null;
  }
}
