import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';

/** Graph input or output: name, TensorProto.DataType, and a shape whose strings are symbolic. */
export type Port = [name: string, elementType: number, shape: (number | string)[]];

/**
 * A model of a single node, as bytes: what timing one op needs. Empty input names are left out. Several lists of
 * outputs make as many nodes on the same inputs.
 */
export function oneNodeModel(options: {
  opType: string;
  domain: string;
  inputs: string[];
  outputs: string[] | string[][];
  ports: { inputs: Port[]; outputs: Port[] };
  attributes?: Record<string, number>;
}): Uint8Array {
  const attribute = Object.entries(options.attributes ?? {}).map(([name, value]) =>
    create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) }),
  );
  const isList = (outputs: string[] | string[][]): outputs is string[][] => Array.isArray(outputs[0]);
  const outputs = isList(options.outputs) ? options.outputs : [options.outputs];
  const nodes = outputs.map((output, index) =>
    create(NodeProtoSchema, {
      name: `${options.opType}${index || ''}`,
      opType: options.opType,
      domain: options.domain,
      input: options.inputs,
      output,
      attribute,
    }),
  );
  const opset = (domain: string, version: number) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [opset('', 21), ...(options.domain ? [opset(options.domain, 1)] : [])],
    graph: create(GraphProtoSchema, {
      name: options.opType,
      node: nodes,
      input: options.ports.inputs.map(valueInfo),
      output: options.ports.outputs.map(valueInfo),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function valueInfo([name, elemType, shape]: Port): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { elemType, shape: { dim } } } });
  return create(ValueInfoProtoSchema, { name, type });
}
