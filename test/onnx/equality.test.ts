import { describe, expect, test } from 'vitest';
import { type TinyDecoderSpec, tinyDecoder, VOCABULARY } from './helpers/decoder.js';
import { byLength, logarithm, temperature } from './helpers/factors.js';
import { WINDOW } from './helpers/masks.js';
import { expectEqualToOriginal } from './helpers/run-decoder.js';

const forms: [string, TinyDecoderSpec][] = [
  ['decomposed, Where mask, scale on both', { form: 'decomposed', mask: 'bool' }],
  ['decomposed, inverted mask', { form: 'decomposed', mask: 'inverted', parts: { scaleOn: 'queries' } }],
  ['decomposed, added mask, scores divided', { form: 'decomposed', mask: 'additive', parts: { scaleOn: 'divided' } }],
  ['decomposed, triangular mask', { form: 'decomposed', mask: 'trilu', parts: { scaleOn: 'scores' } }],
  ['decomposed, guard against NaN', { form: 'decomposed', mask: 'padding', parts: { nanGuard: true } }],
  ['decomposed, MHA', { form: 'decomposed', mask: 'bool', kvHeads: 4 }],
  ['decomposed, one KV head', { form: 'decomposed', mask: 'bool', kvHeads: 1 }],
  ['decomposed, sliding window', { form: 'decomposed', mask: 'window' }],
  ['decomposed, sliding window of a triangle', { form: 'decomposed', mask: 'window of a triangle' }],
  ['decomposed, softcap', { form: 'decomposed', mask: 'bool', parts: { softcap: 3, scaleOn: 'queries' } }],
  ['decomposed, merged later', { form: 'decomposed', mask: 'bool', parts: { lateMerge: true } }],
  ['decomposed, no mask input', { form: 'decomposed', mask: 'bool', withoutMaskInput: true }],
  [
    'MultiHeadAttention, unidirectional',
    { form: 'MultiHeadAttention', kvHeads: 4, parts: { attributes: { unidirectional: { int: 1 } } } },
  ],
  ['MultiHeadAttention, bias', { form: 'MultiHeadAttention', kvHeads: 4, mask: 'bool' }],
  ['Attention 3D, causal', { form: 'Attention 3D', opset: 23, parts: { attributes: { is_causal: { int: 1 } } } }],
  ['Attention 3D, boolean mask', { form: 'Attention 3D', opset: 23, mask: 'bool' }],
  ['Attention 4D, causal', { form: 'Attention 4D', opset: 23, parts: { attributes: { is_causal: { int: 1 } } } }],
  [
    'Attention 4D, added mask, scale, softcap',
    {
      form: 'Attention 4D',
      opset: 23,
      mask: 'additive',
      parts: { attributes: { scale: { float: 0.3 }, softcap: { float: 4 } } },
    },
  ],
  [
    'Attention 4D, cache put together before it',
    { form: 'Attention 4D', opset: 23, mask: 'bool', parts: { outsideCache: true } },
  ],
  [
    'MultiHeadAttention, cache put together and repeated before it',
    { form: 'MultiHeadAttention', mask: 'padding', parts: { outsideCache: true } },
  ],
];

describe.each(forms)('%s', (_, spec) => {
  test('gives what the original gives under plain ONNX Runtime', async () => {
    const { layers, report, proto } = await expectEqualToOriginal(tinyDecoder(spec), { vocabulary: VOCABULARY });
    expect(layers).toHaveLength(2);
    expect(report.skipped).toEqual([]);
    expect(layers.every(({ window }) => window === (spec.mask?.startsWith('window') ? WINDOW : null))).toBe(true);
    const left = new Set(proto.graph!.node.map(({ opType }) => opType));
    for (const op of ['Softmax', 'Where', 'Range', 'Expand', 'MultiHeadAttention', 'Attention']) {
      // Without a mask input the lengths come from shapes, over an Expand.
      if (op !== 'Expand' || !spec.withoutMaskInput) expect(left).not.toContain(op);
    }
  });
});

test('scores in float32 inside a float16 graph', async () => {
  const spec: TinyDecoderSpec = { form: 'decomposed', mask: 'bool', dtype: 'float16', parts: { upcast: true } };
  const { layers } = await expectEqualToOriginal(tinyDecoder(spec), { vocabulary: VOCABULARY, tolerance: 0.02 });
  expect(layers).toHaveLength(2);
});

test.each([
  ['the logarithm of their position', logarithm(4)],
  ['a temperature that grows with their position', temperature(3)],
  ['the length of the prompt', byLength(4)],
  ['what grows behind 8192 positions alone', temperature(8192)],
])('queries multiplied by %s keep that factor in the graph: it is no constant', async (_, build) => {
  const spec: TinyDecoderSpec = { form: 'decomposed', mask: 'bool', parts: { factor: { on: 'queries', build } } };
  const { layers } = await expectEqualToOriginal(tinyDecoder(spec), { vocabulary: VOCABULARY });
  expect(layers).toHaveLength(2);
});
