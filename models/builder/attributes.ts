import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type TensorProto,
} from 'onnx-buf';

const { FLOAT, GRAPH, INT, INTS, STRING, TENSOR } = AttributeProto_AttributeType;

/** Value of a node attribute; ONNX keeps integers and floats apart, so the caller says which. */
export type Attribute =
  | { int: number | bigint }
  | { float: number }
  | { ints: readonly number[] }
  | { string: string }
  | { tensor: TensorProto }
  | { graph: GraphProto };

export function attributeProto(name: string, value: Attribute): AttributeProto {
  if ('int' in value) return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value.int) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  if ('ints' in value) return create(AttributeProtoSchema, { name, type: INTS, ints: value.ints.map(BigInt) });
  if ('string' in value) {
    return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value.string) });
  }
  if ('graph' in value) return create(AttributeProtoSchema, { name, type: GRAPH, g: value.graph });
  return create(AttributeProtoSchema, { name, type: TENSOR, t: value.tensor });
}
