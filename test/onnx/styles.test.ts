import { describe, expect, test } from 'vitest';
import type { DecoderSpec, DecoderStyle, WeightDType } from '../../models/builder/spec.js';
import type { AttentionSource } from '../../src/onnx/types.js';
import { builtModel } from './helpers/built.js';
import { expectEqualToOriginal } from './helpers/run-decoder.js';

const VOCABULARY = 272;
const SOURCES: Record<DecoderStyle, AttentionSource> = {
  genai: 'GroupQueryAttention',
  mha: 'MultiHeadAttention',
  attention23: 'Attention',
  optimum: 'decomposed',
};
/** onnxruntime-genai's MultiHeadAttention graphs take no rows after a past but one at a time. */
const chunksOf = (style: DecoderStyle) => ({ vocabulary: VOCABULARY, chunks: style !== 'mha' });
const styles = Object.keys(SOURCES) as DecoderStyle[];
const dtypes: WeightDType[] = ['fp32', 'fp16', 'int8', 'int4'];

describe.each(styles)('an exporter of style %s', (style) => {
  test.each(dtypes)('%s: gives what the original gives under plain ONNX Runtime', async (dtype) => {
    const model = builtModel({ style, dtype });
    const tolerance = dtype === 'fp16' ? 0.03 : 1e-4;
    const { layers, report, io } = await expectEqualToOriginal(model, { ...chunksOf(style), tolerance });
    expect(layers.map(({ source }) => source)).toEqual([SOURCES[style], SOURCES[style]]);
    expect(report.skipped).toEqual([]);
    expect(io.kvDtype).toBe(dtype === 'fp16' ? 'float16' : 'float32');
  });

  const variants: [string, DecoderSpec][] = [
    ['as many KV heads as heads', { numKvHeads: 4 }],
    ['norms of queries and keys, biases', { qkNorm: true, attentionBias: true, packedQkv: false }],
    ['a window on one layer', { slidingWindow: { size: 6, layers: [0] } }],
  ];
  const isWindowed = style === 'genai' || style === 'optimum';
  test.each(variants.filter(([, spec]) => isWindowed || !spec.slidingWindow))('%s', async (_, spec) => {
    const { layers } = await expectEqualToOriginal(builtModel({ style, ...spec }), chunksOf(style));
    expect(layers.map(({ window }) => window)).toEqual(spec.slidingWindow ? [6, null] : [null, null]);
  });
});
