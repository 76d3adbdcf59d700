import { create } from '@bufbuild/protobuf';
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';

/** Element types that the rewriter writes or asks for: TensorProto.DataType. */
export const ELEMENT = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const;

/** INT and UINT of 4 to 64 bits. */
const INTEGER_TYPES = new Set([2, 3, 4, 5, 6, 7, 12, 13, 21, 22]);
export const isInteger = (elementType: number): boolean => INTEGER_TYPES.has(elementType);

export interface ValueType {
  elementType: number;
  /** Absent when the rank is unknown; symbolic dimensions are strings, unknown ones ''. */
  shape: (number | string)[] | undefined;
}

/** Declared type of a tensor; undefined for sequences, maps and values without a type. */
export function readValueType(info: ValueInfoProto | undefined): ValueType | undefined {
  const value = info?.type?.value;
  if (value?.case !== 'tensorType') return undefined;
  const shape = value.value.shape?.dim.map((dim) =>
    dim.value.case === 'dimValue' ? Number(dim.value.value) : (dim.value.value ?? ''),
  );
  return { elementType: value.value.elemType, shape };
}

export function makeValueInfo(name: string, elementType: number, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: elementType,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } });
  return create(ValueInfoProtoSchema, { name, type });
}
