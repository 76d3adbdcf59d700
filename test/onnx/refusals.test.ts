import { create } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, AttributeProtoSchema, GraphProtoSchema, NodeProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { inspectAttention, rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import { type TinyDecoderSpec, tinyDecoder } from './helpers/decoder.js';
import { beyond, byLength, type Factor, logarithm, temperature } from './helpers/factors.js';

const decomposed = (spec: Partial<TinyDecoderSpec>): TinyDecoderSpec => ({ form: 'decomposed', mask: 'bool', ...spec });
const causal = { unidirectional: { int: 1 } };
const mha = (parts: TinyDecoderSpec['parts']): TinyDecoderSpec => ({
  form: 'MultiHeadAttention',
  kvHeads: 4,
  parts: { attributes: causal, ...parts },
});
const standard = (parts: TinyDecoderSpec['parts']): TinyDecoderSpec => ({
  form: 'Attention 3D',
  opset: 23,
  parts: { attributes: { is_causal: { int: 1 } }, ...parts },
});

const grows = (on: 'keys' | 'scores', build: Factor) => decomposed({ parts: { factor: { on, build } } });

const cases: [string, TinyDecoderSpec, RegExp][] = [
  ['every key seen', decomposed({ mask: 'bidirectional' }), /row 0 sees key 1/],
  ['one key ahead', decomposed({ mask: 'ahead' }), /row 0 sees key 1/],
  ['rows that do not see themselves', decomposed({ mask: 'strict' }), /does not see itself/],
  ['a prefix seen by all', decomposed({ mask: 'prefix' }), /row 0 sees key 1/],
  ['chunks of fixed places', decomposed({ mask: 'chunked' }), /no sliding window/],
  ['a bias by distance', decomposed({ mask: 'weak' }), /a bias, not a mask/],
  ['a mask that depends on tokens', decomposed({ mask: 'tokens' }), /the input input_ids/],
  ['a mask of a length that is not known', decomposed({ mask: 'unknown' }), /not known for row/],
  ['a mask from outside', decomposed({ mask: 'input' }), /the input attention_mask_4d/],
  ['a mask for each head', decomposed({ mask: 'heads' }), /differs between heads|does not see itself/],
  ['a window counted from the first row', decomposed({ mask: 'rows' }), /window that depends on the rows/],
  ['such a window, computed', decomposed({ mask: 'rows, computed' }), /window that depends on the rows/],
  ['a window that fits one row alone', decomposed({ mask: 'last row' }), /window that depends on the rows/],
  ['such a window in a longer one', decomposed({ mask: 'rows in a window' }), /window that depends on the rows/],
  ['a window of rows by a fraction', decomposed({ mask: 'rows by a fraction' }), /window that depends on the rows/],
  ['later keys seen by calls of many rows', decomposed({ mask: 'both ways when long' }), /depends on the rows/],
  ['keys ahead in calls of many rows', decomposed({ mask: 'ahead when long' }), /depends on the rows/],
  [
    'scores that grow by how far a prompt goes beyond a place',
    grows('scores', beyond(8192)),
    /between its scores and its softmax is not known/,
  ],
  [
    'scores that grow with the logarithm',
    grows('scores', logarithm(8192)),
    /between its scores and its softmax is not known/,
  ],
  [
    'scores that grow with their position',
    grows('scores', temperature(8192)),
    /between its scores and its softmax is not known/,
  ],
  [
    'scores that grow with the length of the prompt',
    grows('scores', byLength(8192)),
    /between its scores and its softmax is not known/,
  ],
  [
    'keys that grow with the length of the prompt',
    grows('keys', byLength(8192)),
    /on the way to its cache is not known/,
  ],
  ['no mask', { form: 'decomposed' }, /no mask/],
  ['a mask that writes too high', decomposed({ parts: { filler: -3 } }), /writes -3 over scores/],
  ['a mask below a softcap', decomposed({ parts: { maskFirst: true, softcap: 3 } }), /before its softcap/],
  [
    'a scale that is an input',
    decomposed({ parts: { scaleOn: 'scores', scaleInput: 'past_key_values.0.key' } }),
    /between its scores and its softmax is not known/,
  ],
  ['probabilities that are an output', decomposed({ parts: { exposeProbabilities: true } }), /used more than once/],
  ['layers that share a cache', decomposed({ parts: { shareCache: true } }), /is that of Softmax/],
  ['MultiHeadAttention of both directions', mha({ attributes: {} }), /unidirectional is 0/],
  ['MultiHeadAttention with a bias', { ...mha({ attributes: {} }), mask: 'weak' }, /a bias, not a mask/],
  ['MultiHeadAttention with projection biases', mha({ inputs: { 3: 'embedding' } }), /projection biases/],
  ['MultiHeadAttention with a shared buffer', mha({ inputs: { 8: 'lengths' } }), /inputs beyond its past/],
  ['MultiHeadAttention with packed operands', mha({ inputs: { 1: '', 2: '' } }), /packed/],
  [
    'MultiHeadAttention with an attribute of the future',
    mha({ attributes: { ...causal, smooth_softmax: { int: 1 } } }),
    /attribute smooth_softmax/,
  ],
  ['Attention of both directions', standard({ attributes: {} }), /is_causal is 0/],
  ['Attention with a bias', { ...standard({ attributes: {} }), mask: 'weak' }, /a bias, not a mask/],
  [
    'Attention that counts rows from the first key',
    { form: 'Attention 4D', opset: 23, parts: { outsideCache: true, attributes: { is_causal: { int: 1 } } } },
    /is_causal is 0 and there is no mask|without a past of its own/,
  ],
  ['Attention with lengths', standard({ inputs: { 6: 'lengths' } }), /inputs beyond its past/],
];

describe.each(cases)('%s', (_, spec, reason) => {
  test('is left alone, with node and reason', () => {
    const model = tinyDecoder(spec);
    const { layers, skipped } = inspectAttention(model);
    // The first layer may be fine where the second shares its cache.
    expect(layers).toHaveLength(spec.parts?.shareCache ? 1 : 0);
    expect(skipped).toHaveLength(2 - layers.length);
    for (const { node, reason: given } of skipped) {
      expect(model.proto.graph!.node.map(({ name }) => name)).toContain(node);
      expect(given).toMatch(reason);
    }
  });
});

test('cross attention, whose keys are no part of this call, is left alone', () => {
  const model = tinyDecoder(decomposed({}));
  const { graph } = model.proto;
  for (const node of graph!.node) {
    // Keys and values of a whole encoder: no past before them.
    if (node.opType === 'Concat' && node.output[0]!.startsWith('present')) node.input.splice(0, 1, 'encoder_states');
  }
  const { layers, skipped } = inspectAttention(model);
  expect(layers).toEqual([]);
  expect(skipped[0]!.reason).toMatch(/cache|known/);
});

test('a graph without attention says what it has and what would work', () => {
  const model = tinyDecoder({ form: 'decomposed', layers: 0 });
  expect(inspectAttention(model)).toEqual({ layers: [], leftAlone: [], numLayers: 0, skipped: [], states: [] });
  expect(() => rewriteForPrefill(model)).toThrow(
    expect.objectContaining({
      code: 'MODEL_NO_ATTENTION',
      message: expect.stringMatching(/found .*MatMul/),
      hint: expect.stringMatching(/onnxruntime-genai.*Optimum/),
    }),
  );
});

test('what was refused is part of the error when nothing is left', () => {
  expect(() => rewriteForPrefill(tinyDecoder(decomposed({ mask: 'bidirectional' })))).toThrow(
    expect.objectContaining({ code: 'MODEL_NO_ATTENTION', message: expect.stringMatching(/Softmax.*not causal/) }),
  );
});

test('a softmax that chooses experts is no attention', () => {
  const model = tinyDecoder(
    decomposed({
      tamper: (g, hidden, layer) => {
        const router = g.node('MatMul', [hidden, g.random(`router.${layer}`, [32, 4])]);
        const chosen = g.node('Softmax', [router], { attributes: { axis: { int: -1 } } });
        const weight = g.node('ReduceMax', [chosen, g.constant([-1])]);
        return g.node('Mul', [hidden, weight]);
      },
    }),
  );
  const { layers, skipped } = inspectAttention(model);
  expect(layers).toHaveLength(2);
  expect(skipped).toEqual([]);
});

test('one layer of two may be rewritten, and the other one is named', () => {
  const model = tinyDecoder(mha({}));
  const second = model.proto.graph!.node.find(({ name }) => name === 'attention.1')!;
  second.attribute = second.attribute.filter(({ name }) => name !== 'unidirectional');
  const { layers, leftAlone, numLayers, report, states, proto } = rewriteForPrefill(model);
  expect(layers.map(({ layer, node }) => [layer, node])).toEqual([[0, 'attention.0']]);
  expect(report.skipped).toEqual([
    { node: 'attention.1', opType: 'MultiHeadAttention', reason: expect.stringMatching(/not causal/) },
  ]);
  expect(report.rules).toContainEqual({ rule: 'MultiHeadAttention', matched: 2, rewritten: 1 });
  expect(leftAlone).toMatchObject([{ layer: 1, node: 'attention.1', numHeads: 4 }]);
  expect(numLayers).toBe(2);
  expect(states.map(({ keeps }) => keeps)).toEqual(['buffer', 'buffer', 'grown', 'grown']);
  expect(proto.graph!.node.filter(({ opType }) => opType === 'MultiHeadAttention')).toHaveLength(1);
});

test('attention of which no part is known is named all the same, with what its scores come from', () => {
  const model = tinyDecoder(decomposed({}));
  for (const node of model.proto.graph!.node) if (node.opType === 'MatMul') node.opType = 'FusedMatMul';
  const { layers, skipped } = inspectAttention(model);
  expect(layers).toEqual([]);
  expect(skipped).toHaveLength(2);
  expect(skipped[0]).toMatchObject({ opType: 'Softmax', reason: expect.stringMatching(/come from .*no product/) });
});

test('a merged decoder, whose attention is inside an If, is called one', () => {
  const model = tinyDecoder(decomposed({}));
  const graph = model.proto.graph!;
  const branch = (name: string) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, { name, node: graph.node, output: graph.output }),
    });
  const merged = create(NodeProtoSchema, {
    opType: 'If',
    name: 'optimum::if',
    input: ['use_cache_branch'],
    output: graph.output.map(({ name }) => name),
    attribute: [branch('then_branch'), branch('else_branch')],
  });
  graph.node = [merged];
  expect(() => rewriteForPrefill(model)).toThrow(
    expect.objectContaining({
      code: 'MODEL_NO_ATTENTION',
      message: expect.stringMatching(/If optimum::if was left alone: .*merged decoder/),
      // Not that the exporter is the wrong one: it is the right one, with another option.
      hint: expect.stringMatching(/^take the file of the decoder with past alone .*--no-post-process$/),
    }),
  );
});
