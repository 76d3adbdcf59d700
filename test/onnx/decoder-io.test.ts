import type { ModelProto } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { inspectAttention, rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { builtModel } from './helpers/built.js';
import { tinyDecoder } from './helpers/decoder.js';

/** Renames values of a graph everywhere. */
function renamed(model: OnnxModel, rename: (name: string) => string): OnnxModel {
  const { graph } = model.proto as ModelProto & { graph: NonNullable<ModelProto['graph']> };
  for (const node of graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  for (const info of [...graph.input, ...graph.output, ...graph.valueInfo]) info.name = rename(info.name);
  return model;
}

describe('names of caches', () => {
  const conventions: [string, (layer: string, kind: string, present: boolean) => string][] = [
    ['past_key_values.0.key', (layer, kind, present) => `${present ? 'present' : 'past_key_values'}.${layer}.${kind}`],
    ['past_key_0', (layer, kind, present) => `${present ? 'present' : 'past'}_${kind}_${layer}`],
    ['past_key_self_0', (layer, kind, present) => `${present ? 'present' : 'past'}_${kind}_self_${layer}`],
    ['anything', (layer, kind, present) => `${present ? 'out' : 'in'}${kind === 'key' ? 2 : 3}${layer}`],
  ];
  test.each(conventions)('%s', (_, name) => {
    const model = renamed(builtModel(), (value) => {
      const [, side, layer, kind] = /^(past_key_values|present)\.(\d+)\.(key|value)$/.exec(value) ?? [];
      return side ? name(layer!, kind!, side === 'present') : value;
    });
    const { layers, states } = rewriteForPrefill(model);
    expect(layers.map(({ pastKey, presentValue }) => [pastKey, presentValue])).toEqual([
      [name('0', 'key', false), name('0', 'value', true)],
      [name('1', 'key', false), name('1', 'value', true)],
    ]);
    expect(states.map(({ keeps }) => keeps)).toEqual(['buffer', 'buffer', 'buffer', 'buffer']);
  });
});

test('tokens are found by type and shape where their name says nothing', () => {
  const model = renamed(builtModel(), (name) => (name === 'input_ids' ? 'x' : name));
  expect(rewriteForPrefill(model).io.inputIds).toBe('x');
});

test('logits are found by shape where their name says nothing', () => {
  const model = renamed(builtModel(), (name) => (name === 'logits' ? 'y' : name));
  expect(rewriteForPrefill(model).io).toMatchObject({ logits: 'y', logitsRows: 'last' });
});

test('a graph without tokens is refused', () => {
  const model = renamed(builtModel(), (name) => (name === 'input_ids' ? 'x' : name));
  const tokens = model.proto.graph!.input.find(({ name }) => name === 'x')!.type!.value;
  if (tokens.case === 'tensorType') tokens.value.elemType = 1;
  for (const { name, type } of model.proto.graph!.input) {
    // Without tokens nothing else tells the size of a head.
    const shape = type!.value.case === 'tensorType' ? type!.value.value.shape! : null;
    if (name.startsWith('past')) shape!.dim[3]!.value = { case: 'dimValue', value: 16n };
  }
  expect(() => rewriteForPrefill(model)).toThrow(
    expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringMatching(/named input_ids, found x/) }),
  );
});

test('bfloat16 caches are named so', () => {
  const model = builtModel();
  for (const { name, type } of model.proto.graph!.input) {
    if (name.startsWith('past') && type!.value.case === 'tensorType') type!.value.value.elemType = 16;
  }
  expect(rewriteForPrefill(model).io.kvDtype).toBe('bfloat16');
});

const allBuffers = (model: OnnxModel) => rewriteForPrefill(model).states.every(({ keeps }) => keeps === 'buffer');

describe('past and present may share a buffer', () => {
  test('where only the ops read the past', () => {
    for (const style of ['genai', 'optimum', 'mha', 'attention23'] as const) {
      expect(allBuffers(builtModel({ style })), style).toBe(true);
    }
  });

  test('not where its length still counts', () => {
    const model = tinyDecoder({ form: 'decomposed', mask: 'bool', withoutMaskInput: true });
    expect(allBuffers(model)).toBe(false);
    const positions = tinyDecoder({
      form: 'decomposed',
      mask: 'bool',
      tamper: (g, hidden) => {
        const past = g.node('Gather', [g.node('Shape', ['past_key_values.0.key']), g.constant(2)]);
        return g.node('Add', [hidden, g.node('Cast', [past], { attributes: { to: { int: 1 } } })]);
      },
    });
    // Only the layer whose length is read: the other one has its buffer all the same.
    expect(rewriteForPrefill(positions).states.map(({ keeps }) => keeps)).toEqual([
      'grown',
      'grown',
      'buffer',
      'buffer',
    ]);
  });
});

test('inspection gives the layers without changing anything', () => {
  const model = builtModel({ slidingWindow: { size: 9, layers: [1] } });
  const before = model.proto.graph!.node.length;
  const { layers, skipped } = inspectAttention(model);
  expect(skipped).toEqual([]);
  expect(layers).toMatchObject([
    { layer: 0, source: 'GroupQueryAttention', numHeads: 4, numKvHeads: 2, headDim: 16, window: null },
    { layer: 1, window: 9 },
  ]);
  expect(model.proto.graph!.node).toHaveLength(before);
  expect(model.proto.graph!.node.some(({ opType }) => opType === 'GroupQueryAttention')).toBe(true);
});
