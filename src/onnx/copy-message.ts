import { create } from '@bufbuild/protobuf';
import type { AttributeProto, GraphProto, ModelProto, NodeProto } from 'onnx-buf';

/** A shallow copy of a message with some fields replaced; defaults live on its prototype, so spreading loses them. */
export function copyMessage<T extends AttributeProto | GraphProto | ModelProto | NodeProto>(
  schema: Parameters<typeof create>[0],
  source: T,
  fields: Partial<T>,
): T {
  return Object.assign(create(schema) as T, source, fields);
}
