import type { NodeProto } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { floatAttr, intAttr } from '../../src/onnx/attribute.js';
import { inspectAttention, rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { builtModel } from './helpers/built.js';
import { expectEqualToOriginal } from './helpers/run-decoder.js';

const VOCABULARY = 272;
const attentionNodes = (model: OnnxModel, opType = 'GroupQueryAttention') =>
  model.proto.graph!.node.filter((node) => node.opType === opType);

const dtypes: [string, DecoderSpec, number][] = [
  ['fp32', { dtype: 'fp32' }, 1e-4],
  ['fp16', { dtype: 'fp16' }, 0.03],
  ['int8', { dtype: 'int8' }, 1e-4],
  ['int4', { dtype: 'int4' }, 1e-4],
  ['separate projections, biases', { packedQkv: false, attentionBias: true }, 1e-4],
  ['norms of queries and keys', { packedQkv: false, qkNorm: true }, 1e-4],
  ['one KV head, half rotary', { numHeads: 8, numKvHeads: 1, headDim: 32, rotaryDim: 16 }, 1e-4],
  ['a window on one layer', { slidingWindow: { size: 5, layers: [1] } }, 1e-4],
];

describe.each(dtypes)('GroupQueryAttention, %s', (_, spec, tolerance) => {
  test('gives what the original gives under plain ONNX Runtime', async () => {
    const model = builtModel({ style: 'genai', ...spec });
    const { states, layers, report, io } = await expectEqualToOriginal(model, { vocabulary: VOCABULARY, tolerance });
    expect(layers.map(({ window }) => window)).toEqual([null, spec.slidingWindow ? 5 : null]);
    expect(layers[0]).toMatchObject({
      source: 'GroupQueryAttention',
      numHeads: spec.numHeads ?? 4,
      numKvHeads: spec.numKvHeads ?? 2,
      headDim: spec.headDim ?? 16,
      pastKey: 'past_key_values.0.key',
      presentValue: 'present.0.value',
      patternsInput: 'minference.patterns.0',
    });
    expect(report.skipped).toEqual([]);
    expect(new Set(states.map(({ keeps }) => keeps))).toEqual(new Set(['buffer']));
    expect(io).toMatchObject({
      inputIds: 'input_ids',
      attentionMask: 'attention_mask',
      positionIds: null,
      kvDtype: spec.dtype === 'fp16' ? 'float16' : 'float32',
    });
  });
});

test('is a drop-in: inputs 0 to 11 and attributes stay, patterns are input 12', () => {
  const model = builtModel();
  const before = attentionNodes(model)[1]!;
  const { proto } = rewriteForPrefill(model);
  const after = proto.graph!.node.filter(({ opType }) => opType === 'SparseAttention')[1]!;
  expect(after.domain).toBe('ai.minference');
  expect(after.input.slice(0, 12)).toEqual(before.input);
  expect(after.input[12]).toBe('minference.patterns.1');
  expect(after.output).toEqual(before.output);
  const value = (node: NodeProto, name: string) => {
    const found = node.attribute.find((attribute) => attribute.name === name)!;
    return [Number(found.i), found.f];
  };
  for (const { name } of before.attribute) expect(value(after, name), name).toEqual(value(before, name));
  expect(proto.opsetImport).toContainEqual(expect.objectContaining({ domain: 'ai.minference', version: 1n }));
  expect(proto.graph!.input.map(({ name }) => name)).toContain('minference.patterns.1');
});

test('the source model stays as it was', () => {
  const model = builtModel();
  const nodes = JSON.stringify(model.proto.graph!.node.map(({ opType, input, output }) => [opType, input, output]));
  const [inputs, opsets] = [model.proto.graph!.input.length, model.proto.opsetImport.length];
  rewriteForPrefill(model);
  expect(JSON.stringify(model.proto.graph!.node.map(({ opType, input, output }) => [opType, input, output]))).toBe(
    nodes,
  );
  expect([model.proto.graph!.input.length, model.proto.opsetImport.length]).toEqual([inputs, opsets]);
});

const refusals: [string, (node: NodeProto) => void, RegExp][] = [
  ['attention_bias', (node) => node.input.splice(10, 1, 'bias'), /attention_bias/],
  ['smooth_softmax', (node) => node.attribute.push(intAttr('smooth_softmax', 1)), /attribute smooth_softmax/],
  ['an unknown attribute', (node) => node.attribute.push(floatAttr('of_the_future', 0)), /attribute of_the_future/],
  ['scales of a quantised cache', (node) => node.input.push('k_scale', 'v_scale'), /quantised/],
  ['scores as an output', (node) => node.output.push('scores'), /scores are an output/],
  ['no past', (node) => node.input.splice(3, 2, '', ''), /past key to be a graph input, found none/],
  ['a past that is computed', (node) => node.input.splice(3, 1, 'elsewhere'), /past key to be a graph input/],
  ['a present that nobody takes', (node) => node.output.splice(1, 1, 'nowhere'), /present key to be a graph output/],
  [
    'heads that no KV heads fit',
    (node) => {
      node.attribute.find(({ name }) => name === 'kv_num_heads')!.i = 3n;
    },
    /4 heads and 3 KV heads/,
  ],
];

test.each(refusals)('%s: left alone', (_, change, reason) => {
  const model = builtModel();
  const [first] = attentionNodes(model);
  change(first!);
  const { layers, skipped } = inspectAttention(model);
  expect(layers.map(({ layer, node }) => [layer, node])).toEqual([[1, attentionNodes(model)[1]!.name]]);
  expect(skipped).toEqual([
    { node: first!.name, opType: 'GroupQueryAttention', reason: expect.stringMatching(reason) },
  ]);
});

test('attributes at their neutral values change nothing', () => {
  const model = builtModel();
  for (const node of attentionNodes(model)) node.attribute.push(intAttr('smooth_softmax', 0), intAttr('qk_output', 0));
  expect(inspectAttention(model).skipped).toEqual([]);
});

test('a quantised cache is left alone', () => {
  const model = builtModel();
  for (const { name, type } of model.proto.graph!.input) {
    if (name.startsWith('past') && type!.value.case === 'tensorType') type!.value.value.elemType = 3;
  }
  expect(inspectAttention(model).skipped.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/quantised/),
    expect.stringMatching(/quantised/),
  ]);
});

test('softcap, a scale and head sinks pass on', () => {
  const model = builtModel();
  for (const node of attentionNodes(model)) {
    node.attribute = node.attribute.filter(({ name }) => name !== 'softcap' && name !== 'scale');
    node.attribute.push(floatAttr('softcap', 30), floatAttr('scale', 0.125));
    node.input[11] = 'sink';
  }
  const { proto } = rewriteForPrefill(model);
  const node = proto.graph!.node.find(({ opType }) => opType === 'SparseAttention')!;
  expect(node.input[11]).toBe('sink');
  expect(node.attribute.find(({ name }) => name === 'softcap')!.f).toBe(30);
  expect(node.attribute.find(({ name }) => name === 'scale')!.f).toBe(0.125);
});

test('head_dim comes from the query where the cache does not say', () => {
  const model = builtModel();
  for (const { type } of [...model.proto.graph!.input, ...model.proto.graph!.output]) {
    const shape = type!.value.case === 'tensorType' ? type!.value.value.shape! : null;
    if (shape?.dim.length === 4) shape.dim[3]!.value = { case: 'dimParam', value: 'kv_cache_dim' };
  }
  expect(inspectAttention(model).layers.map(({ headDim }) => headDim)).toEqual([16, 16]);
});
