import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../attribute.js';
import { ELEMENT } from '../value-info.js';

const BOOLEAN = /^(And|Or|Xor|Not|Less|LessOrEqual|Greater|GreaterOrEqual|Equal|IsNaN|IsInf)$/;
/** Which input has the type of the output, where it is not the first. */
const SOURCE: Record<string, number> = { Where: 1, DequantizeLinear: 1, GatherBlockQuantized: 2, CastLike: 1 };

/** Element type of a node's first output; undefined when it is not known. */
export function outputType(node: NodeProto, typeOf: (name: string) => number | undefined): number | undefined {
  const { opType } = node;
  if (BOOLEAN.test(opType)) return ELEMENT.bool;
  if (opType === 'Shape' || opType === 'Size' || opType === 'NonZero' || opType === 'ArgMax') return ELEMENT.int64;
  if (opType === 'Cast') return intAttribute(node, 'to', undefined);
  if (opType === 'Constant' || opType === 'ConstantOfShape') return constantType(node);
  return typeOf(node.input[SOURCE[opType] ?? 0] ?? '');
}

function constantType(node: NodeProto): number | undefined {
  const [attribute] = node.attribute;
  if (attribute?.t) return attribute.t.dataType;
  if (node.opType === 'ConstantOfShape' || attribute?.name.startsWith('value_float')) return ELEMENT.float32;
  return attribute?.name.startsWith('value_int') ? ELEMENT.int64 : undefined;
}
