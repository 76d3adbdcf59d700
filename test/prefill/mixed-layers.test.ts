import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type AttributeProto, NodeProtoSchema, TensorShapeProto_DimensionSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { attributeProto } from '../../models/builder/attributes.js';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { lastRow } from '../../src/prefill/logits.js';
import { patternFeeds } from '../../src/prefill/pattern-feeds.js';
import { runPrefill } from '../../src/prefill/prefill.js';
import { runStep } from '../../src/prefill/run-step.js';
import { lastLogits, maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const TOLERANCE = 1e-4;
const tokens = someTokens(301);
const base = { numLayers: 4 } as const;
const window = { size: 40, layers: [0, 2] };

/** Models as exporters write them, with the layers that our ops take over. */
const models: [string, DecoderSpec, number[]][] = [
  [
    'gpt-oss: sinks, every other layer windowed',
    { layerKinds: { 0: 'sinks', 1: 'sinks', 2: 'sinks', 3: 'sinks' }, slidingWindow: window },
    [0, 1, 2, 3],
  ],
  ['smooth softmax', { layerKinds: { 1: 'smooth', 2: 'smooth' }, slidingWindow: window }, [0, 3]],
  ['Gemma 4: layers that share keys and values', { layerKinds: { 2: 'shared', 3: 'shared' } }, [0, 1]],
  ['LFM2: short convolutions', { layerKinds: { 0: 'conv', 2: 'conv' } }, [1, 3]],
  ['Qwen3.5: linear attention', { layerKinds: { 0: 'linear', 1: 'linear', 2: 'linear' } }, [3]],
  ['decomposed: a bias that depends on data', { style: 'optimum', layerKinds: { 1: 'biased' } }, [0, 2, 3]],
  [
    'decomposed: layers that share keys and values',
    { style: 'optimum', layerKinds: { 2: 'shared', 3: 'shared' } },
    [0, 1],
  ],
  [
    'decomposed: caches cut to a window',
    { style: 'optimum', layerKinds: { 1: 'sliding', 2: 'sliding' }, slidingWindow: { size: 40, layers: [1, 2] } },
    [0, 3],
  ],
];

describe.each(models)('%s', (_, spec, ours) => {
  test('dense logits are those of plain ONNX Runtime: whole, in chunks, and step by step', async () => {
    const folder = await tinyModel({ ...base, ...spec });
    const original = await openTiny(folder, { graph: 'original' });
    const parts = await openTiny(folder);
    expect(parts.layers.map(({ layer }) => layer)).toEqual(ours);
    expect(parts.numLayers).toBe(4);
    expect(parts.leftAlone.map(({ layer }) => layer)).toEqual([0, 1, 2, 3].filter((layer) => !ours.includes(layer)));
    const expected = await lastLogits(original, tokens);
    expect(Math.max(...expected)).toBeGreaterThan(10 * TOLERANCE);
    for (const chunk of [tokens.length, 100, 64, 7]) {
      expect(maxDifference(await lastLogits(parts, tokens, { chunk }), expected), `chunks of ${chunk}`).toBeLessThan(
        TOLERANCE,
      );
      expect(maxDifference(await lastLogits(original, tokens, { chunk }), expected), `original, ${chunk}`).toBeLessThan(
        TOLERANCE,
      );
    }
    const { cache } = await runPrefill(parts, tokens.slice(0, -3), { patterns: 'dense', maxNewTokens: 3, chunk: 100 });
    using _cache = cache;
    // Two answers from one prompt: what the first does to its cache is nothing to the second.
    for (const answer of [[5, 6, 7], tokens.slice(-3)]) {
      using fork = await cache.fork();
      let logits = new Float32Array();
      for (const token of answer) {
        const step = await runStep(parts, { tokens: [token], cache: fork, feeds: patternFeeds(parts, 'dense') });
        logits = lastRow(step.logits) as Float32Array<ArrayBuffer>;
      }
      const whole = await lastLogits(original, [...tokens.slice(0, -3), ...answer]);
      expect(maxDifference(logits, whole), `answer ${answer}`).toBeLessThan(TOLERANCE);
    }
  });
});

/** Changes a model's graph on disk. */
async function tamper(folder: string, change: (model: OnnxModel) => void): Promise<string> {
  const path = join(folder, 'model.onnx');
  const model = await readOnnxModel(path);
  change(model);
  await writeFile(path, serializeModel(model.proto));
  return folder;
}

const windowed: DecoderSpec = {
  numLayers: 3,
  layerKinds: { 1: 'smooth' },
  slidingWindow: { size: 32, layers: [0, 1] },
};

test.each([
  ['a cache that its op moves on, of a declared length', 48],
  ['a cache that its op would move on, of any length', null],
])('%s', async (_, rows) => {
  const folder = await tamper(await tinyModel(windowed), ({ proto }) => {
    const graph = proto.graph!;
    for (const node of graph.node.filter(({ name }) => /layers\.[01].*GroupQueryAttention/.test(name))) {
      const like = node.attribute.find(({ name }) => name === 'local_window_size')!;
      node.attribute.push({ ...like, name: 'sliding_window_cache', i: 1n } as AttributeProto);
    }
    for (const { name, type } of [...graph.input, ...graph.output]) {
      if (rows === null || !/^(past|present).*\.[01]\./.test(name) || type?.value.case !== 'tensorType') continue;
      type.value.value.shape!.dim[2]!.value = { case: 'dimValue', value: BigInt(rows) };
    }
  });
  const expected = await lastLogits(await openTiny(await tinyModel(windowed), { graph: 'original' }), tokens);
  for (const graph of ['original', 'prefill'] as const) {
    const parts = await openTiny(folder, { graph });
    expect(parts.leftAlone.map(({ layer }) => layer)).toEqual(rows === null ? [1] : [0, 1]);
    for (const chunk of [tokens.length, 100, 16]) {
      const logits = await lastLogits(parts, tokens, { chunk });
      expect(maxDifference(logits, expected), `${graph}, chunks of ${chunk}`).toBeLessThan(TOLERANCE);
    }
  }
});

test('an input that nobody can supply is named', async () => {
  const folder = await tamper(await tinyModel({ layerKinds: { 1: 'conv' } }, 'optimum'), ({ proto }) => {
    const graph = proto.graph!;
    graph.output = graph.output.filter(({ name }) => name !== 'present_conv.1');
  });
  await expect(openTiny(folder)).rejects.toMatchObject({
    code: 'MODEL_UNSUPPORTED',
    message: expect.stringMatching(
      /"past_conv\.1" \(float32 \[.*64, 2\]\) as well, which no output of the graph continues/,
    ),
  });
});

test('positions of three axes, as models with pictures have them, are those of text', async () => {
  const folder = await tinyModel({ style: 'optimum' });
  const plain = await lastLogits(await openTiny(folder), tokens);
  await tamper(folder, ({ proto }) => {
    const graph = proto.graph!;
    const input = graph.input.find(({ name }) => name === 'position_ids')!;
    if (input.type?.value.case !== 'tensorType') throw new Error('expected a tensor');
    const dims = input.type.value.value.shape!.dim;
    dims.unshift(create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: 3n } }));
    for (const node of graph.node) {
      node.input = node.input.map((name) => (name === 'position_ids' ? 'positions' : name));
    }
    // The three are the same for text: the graph's angles take the largest.
    const names = { name: 'positions', input: ['position_ids', 'first_axis'], output: ['positions'] };
    graph.node.unshift(
      create(NodeProtoSchema, {
        opType: 'Constant',
        name: 'first_axis',
        output: ['first_axis'],
        attribute: [attributeProto('value_ints', { ints: [0] })],
      }),
      create(NodeProtoSchema, { opType: 'ReduceMax', ...names, attribute: [attributeProto('keepdims', { int: 0 })] }),
    );
  });
  expect(maxDifference(await lastLogits(await openTiny(folder), tokens), plain)).toBe(0);
});
