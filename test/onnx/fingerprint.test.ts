import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { writeModelFile } from '../../models/builder/write-model-file.js';
import { fingerprintModel } from '../../src/onnx/fingerprint.js';
import { readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import { rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { builtModel } from './helpers/built.js';

const CONFIG = '{"model_type":"llama"}';
const external = { location: 'model.onnx.data' };
const fingerprintOf = (spec: DecoderSpec) =>
  fingerprintModel({ ...builtModel(), proto: buildDecoder(spec).proto }, CONFIG);

test('is a SHA-256 in hexadecimal, the same each time', () => {
  expect(fingerprintOf({})).toMatch(/^[0-9a-f]{64}$/);
  expect(fingerprintOf({ externalData: external })).toBe(fingerprintOf({ externalData: external }));
});

test('does not change when the model is rewritten, saved again, or renamed', async () => {
  const path = join(temporaryFolder(), 'model.onnx');
  await writeModelFile(path, buildDecoder({ externalData: external }));
  const model = await readOnnxModel(path);
  const fingerprint = fingerprintModel(model, CONFIG);
  rewriteForPrefill(model);
  expect(fingerprintModel(model, CONFIG)).toBe(fingerprint);
  await writeModelFile(path, { proto: model.proto });
  renameSync(path, path.replace('model.onnx', 'model_q4.onnx'));
  expect(fingerprintModel(await readOnnxModel(path.replace('model.onnx', 'model_q4.onnx')), CONFIG)).toBe(fingerprint);
});

test('does not depend on names of nodes, declared types, or how small numbers are stored', () => {
  const model = builtModel();
  const fingerprint = fingerprintModel(model, CONFIG);
  for (const node of model.proto.graph!.node) node.name = '';
  model.proto.graph!.valueInfo = [];
  model.proto.producerVersion = '9.9';
  model.proto.metadataProps = [create(StringStringEntryProtoSchema, { key: 'saved', value: 'today' })];
  expect(fingerprintModel(model, CONFIG)).toBe(fingerprint);
});

test('does not depend on what weights and values are called, nor on their order in the file', () => {
  const model = builtModel();
  const fingerprint = fingerprintModel(model, CONFIG);
  const graph = model.proto.graph!;
  const kept = new Set(['', ...graph.input.map(({ name }) => name), ...graph.output.map(({ name }) => name)]);
  const rename = (name: string) => (kept.has(name) ? name : `renamed/${name}`);
  for (const node of graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  for (const tensor of graph.initializer) tensor.name = rename(tensor.name);
  graph.initializer.reverse();
  graph.valueInfo = [];
  expect(fingerprintModel(model, CONFIG)).toBe(fingerprint);
});

type Numbers = Pick<TensorProto, 'dataType'> &
  Partial<Pick<TensorProto, 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'stringData'>>;

const typed: [string, (value: number) => Numbers][] = [
  ['float_data', (value) => ({ dataType: 1, floatData: [value] })],
  ['double_data', (value) => ({ dataType: 11, doubleData: [value] })],
  ['int32_data', (value) => ({ dataType: 6, int32Data: [value] })],
  ['int64_data', (value) => ({ dataType: 7, int64Data: [BigInt(value)] })],
  ['uint64_data', (value) => ({ dataType: 13, uint64Data: [BigInt(value)] })],
  ['string_data', (value) => ({ dataType: 8, stringData: [Buffer.from(String(value))] })],
];

test.each(typed)('a number stored in %s changes it', (_, fields) => {
  const withNumber = (value: number) => {
    const model = builtModel();
    const tensor = Object.assign(create(TensorProtoSchema, { name: 'number', dims: [1n] }), fields(value));
    model.proto.graph!.initializer.push(tensor);
    model.proto.graph!.node[0]!.input.push('number');
    return fingerprintModel(model, CONFIG);
  };
  expect(withNumber(4096)).not.toBe(withNumber(2048));
  expect(withNumber(4096)).toBe(withNumber(4096));
});

test('numbers inside Constant nodes count however they are stored and named', () => {
  const withConstant = (fields: Partial<Numbers> & Partial<Pick<TensorProto, 'rawData' | 'name'>>) => {
    const model = builtModel();
    const tensor = Object.assign(create(TensorProtoSchema, { dims: [1n], dataType: 1 }), fields);
    const attribute = [
      create(AttributeProtoSchema, { name: 'value', type: AttributeProto_AttributeType.TENSOR, t: tensor }),
    ];
    model.proto.graph!.node.push(create(NodeProtoSchema, { opType: 'Constant', output: ['number'], attribute }));
    return fingerprintModel(model, CONFIG);
  };
  const raw = new Uint8Array(Float32Array.of(0.5).buffer);
  expect(withConstant({ floatData: [0.5] })).toBe(withConstant({ rawData: raw, name: 'other' }));
  expect(withConstant({ floatData: [0.5] })).not.toBe(withConstant({ floatData: [0.25] }));
});

test('which input of a body is which counts, what they are called does not', () => {
  const withBody = (inputs: readonly string[], [first, second]: readonly string[]) => {
    const node = [create(NodeProtoSchema, { opType: 'Sub', input: [first!, second!], output: ['difference'] })];
    const input = inputs.map((name) => create(ValueInfoProtoSchema, { name }));
    const body = create(GraphProtoSchema, {
      node,
      input,
      output: [create(ValueInfoProtoSchema, { name: 'difference' })],
    });
    const attribute = [
      create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: body }),
    ];
    const model = builtModel();
    model.proto.graph!.node.push(create(NodeProtoSchema, { opType: 'Scan', output: ['scanned'], attribute }));
    return fingerprintModel(model, CONFIG);
  };
  expect(withBody(['a', 'b'], ['a', 'b'])).not.toBe(withBody(['a', 'b'], ['b', 'a']));
  expect(withBody(['a', 'b'], ['b', 'a'])).toBe(withBody(['x', 'y'], ['y', 'x']));
});

const changes: [string, (proto: ModelProto) => void][] = [
  ['another op', (proto) => (proto.graph!.node[3]!.opType = 'Other')],
  ['another input', (proto) => (proto.graph!.node[3]!.input[0] = 'other')],
  ['another attribute', (proto) => (proto.graph!.node.find(({ attribute }) => attribute[0])!.attribute[0]!.i += 1n)],
  ['another operator set', (proto) => (proto.opsetImport[0]!.version += 1n)],
  ['another shape of a weight', (proto) => (proto.graph!.initializer[0]!.dims[0]! += 1n)],
  [
    'another place of a weight',
    (proto) => {
      const entry = proto.graph!.initializer[0]!.externalData.find(({ key }) => key === 'offset')!;
      entry.value = String(Number(entry.value) + 64);
    },
  ],
  ['another output', (proto) => proto.graph!.output.pop()],
];

test.each(changes)('%s changes it', (_, change) => {
  const model: OnnxModel = { ...builtModel(), proto: buildDecoder({ externalData: external }).proto };
  const fingerprint = fingerprintModel(model, CONFIG);
  change(model.proto);
  expect(fingerprintModel(model, CONFIG)).not.toBe(fingerprint);
});

test('configuration, sizes and small inline numbers change it', () => {
  const model = builtModel();
  expect(fingerprintModel(model, '{}')).not.toBe(fingerprintModel(model, CONFIG));
  expect(fingerprintOf({ numLayers: 3 })).not.toBe(fingerprintOf({ numLayers: 2 }));
  // Random norms of 64 values lie inside the graph.
  expect(fingerprintOf({ seed: 2 })).not.toBe(fingerprintOf({ seed: 1 }));
});

test('weights are told apart by place, not by content: they are not read', () => {
  const spec = { externalData: external, weights: 'hollow' } as const;
  expect(fingerprintOf(spec)).toBe(fingerprintOf({ ...spec, seed: 2 }));
  expect(serializeModel(buildDecoder(spec).proto).length).toBeLessThan(100_000);
});
