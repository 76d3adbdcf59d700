import { create, toBinary } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { Session } from '../runtime/session.js';
import { Tensor } from '../runtime/tensor.js';

/** Time between two readings, in milliseconds of wall clock. */
export interface OpTimes {
  /** Building sparse indices. */
  indexMs: number;
  /** Rotary embedding, cache write and attention. */
  attentionMs: number;
}

let clock: Promise<Session> | undefined;

/** Starts measuring what the attention ops of this process take; the returned function reads it. */
export async function startOpTimes(): Promise<() => Promise<OpTimes>> {
  const before = await readOpClock();
  return async () => {
    const now = await readOpClock();
    const indexMs = now.index - before.index;
    return { indexMs, attentionMs: now.total - before.total - indexMs };
  };
}

/** Since the process began: milliseconds, and finished calls of attention ops. */
export async function readOpClock(): Promise<{ index: number; total: number; calls: number }> {
  clock ??= Session.create({ model: clockModel(), device: 'cpu', threads: 1 });
  const session = await clock;
  using tick = Tensor.fromArray('int64', BigInt64Array.of(0n), [1]);
  const { times } = await session.run({ tick }, { times: 'host' });
  using result = times!;
  const [index, total, calls] = result.data() as BigInt64Array;
  return { index: Number(index) / 1e6, total: Number(total) / 1e6, calls: Number(calls) };
}

/** A graph of one node: the op library's clock. */
function clockModel(): Uint8Array {
  const domain = 'ai.minference';
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: '', version: 22n }),
        create(OperatorSetIdProtoSchema, { domain, version: 1n }),
      ],
      graph: create(GraphProtoSchema, {
        name: 'clock',
        node: [create(NodeProtoSchema, { opType: 'OpTimes', domain, input: ['tick'], output: ['times'] })],
        input: [int64Vector('tick', 1n)],
        output: [int64Vector('times', 3n)],
      }),
    }),
  );
}

function int64Vector(name: string, length: bigint) {
  const dimension = create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: length } });
  const tensor = create(TypeProto_TensorSchema, {
    elemType: TensorProto_DataType.INT64,
    shape: create(TensorShapeProtoSchema, { dim: [dimension] }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}
