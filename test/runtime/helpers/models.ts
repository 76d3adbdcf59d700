import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type TypeProto,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { DTYPES } from '../../../src/runtime/dtype.js';
import type { DType } from '../../../src/runtime/types.js';

export type Dims = readonly (number | string)[];

/** Name, element type, shape; strings are symbolic dimensions, no shape leaves it to ONNX Runtime. */
export type Value = readonly [name: string, dtype: DType, shape?: Dims];

export interface NodeSpec {
  op: string;
  domain?: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, number | string | { float: number }>;
}

export interface GraphSpec {
  inputs: Value[];
  outputs: Value[];
  nodes: NodeSpec[];
  initializers?: TensorProto[];
  /** Names of outputs that are sequences of the tensor type given for them. */
  sequences?: string[];
}

/** A serialized ModelProto, opset 22 with ai.minference and com.microsoft. */
export function buildModel(spec: GraphSpec): Uint8Array {
  const opsets: [string, bigint][] = [
    ['', 22n],
    ['ai.minference', 1n],
    ['com.microsoft', 1n],
  ];
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: opsets.map(([domain, version]) => create(OperatorSetIdProtoSchema, { domain, version })),
    graph: create(GraphProtoSchema, {
      name: 'test',
      node: spec.nodes.map((node) =>
        create(NodeProtoSchema, {
          opType: node.op,
          domain: node.domain ?? '',
          input: node.inputs,
          output: node.outputs,
          attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attribute(name, value)),
        }),
      ),
      input: spec.inputs.map((value) => valueInfo(value, false)),
      output: spec.outputs.map((value) => valueInfo(value, spec.sequences?.includes(value[0]) ?? false)),
      initializer: spec.initializers ?? [],
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

/** An initializer whose elements are in a file beside the model. */
export function externalInitializer(name: string, dtype: DType, dims: number[], location: string): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: DTYPES[dtype].onnx,
    dims: dims.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: location })],
  });
}

/** An initializer in the model itself. */
export function initializer(name: string, dtype: DType, dims: number[], data: ArrayBufferView): TensorProto {
  const rawData = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, { name, dataType: DTYPES[dtype].onnx, dims: dims.map(BigInt), rawData });
}

/** y = x + x over one vector of any length. */
export function doubler(): Uint8Array {
  return buildModel({
    inputs: [['x', 'float32', ['n']]],
    outputs: [['y', 'float32', ['n']]],
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
  });
}

/** y = x · w over a vector of two; `w` is an initializer. */
export function scaler(w: TensorProto): Uint8Array {
  return buildModel({
    inputs: [['x', 'float32', [2]]],
    outputs: [['y', 'float32', [2]]],
    nodes: [{ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
    initializers: [w],
  });
}

/** y = x·w·w· … , `depth` products of [n, n] matrices: a run that takes a while and can stop between two nodes. */
export function matmulChain(depth: number): Uint8Array {
  const name = (i: number) => (i === 0 ? 'x' : i === depth ? 'y' : `t${i}`);
  return buildModel({
    inputs: [
      ['x', 'float32', ['n', 'n']],
      ['w', 'float32', ['n', 'n']],
    ],
    outputs: [['y', 'float32', ['n', 'n']]],
    nodes: Array.from({ length: depth }, (_, i) => ({
      op: 'MatMul',
      inputs: [name(i), 'w'],
      outputs: [name(i + 1)],
    })),
  });
}

function attribute(name: string, value: number | string | { float: number }): AttributeProto {
  if (typeof value === 'object') {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  }
  return typeof value === 'number'
    ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
    : create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.STRING,
        s: new TextEncoder().encode(value),
      });
}

function valueInfo([name, dtype, dims]: Value, sequence: boolean) {
  const tensor = create(TypeProtoSchema, {
    value: {
      case: 'tensorType',
      value: create(TypeProto_TensorSchema, {
        elemType: DTYPES[dtype].onnx,
        ...(dims && { shape: shapeOf(dims) }),
      }),
    },
  });
  return create(ValueInfoProtoSchema, { name, type: sequence ? sequenceOf(tensor) : tensor });
}

function shapeOf(dims: Dims) {
  return create(TensorShapeProtoSchema, {
    dim: dims.map((dim) =>
      create(TensorShapeProto_DimensionSchema, {
        value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
      }),
    ),
  });
}

function sequenceOf(elemType: TypeProto): TypeProto {
  return create(TypeProtoSchema, {
    value: { case: 'sequenceType', value: create(TypeProto_SequenceSchema, { elemType }) },
  });
}
