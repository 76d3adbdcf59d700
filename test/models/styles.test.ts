import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import type { DecoderSpec, DecoderStyle } from '../../models/builder/spec.js';
import { openPlainDecoder } from '../../models/plain-decoder.js';

const VOCABULARY = 272;
const TOKENS = Array.from({ length: 40 }, (_, index) => (index * 37 + 5) % VOCABULARY);
const PAST = 33;

const SHAPES: Record<string, DecoderSpec> = {
  'grouped heads': {},
  'as many KV heads as query heads': { numKvHeads: 4 },
  'one KV head': { numKvHeads: 1 },
  'separate projections': { packedQkv: false },
  'norms of q and k': { qkNorm: true },
  'biases, untied head': { attentionBias: true, tiedEmbeddings: false },
  'partial rotary': { headDim: 32, rotaryDim: 16 },
  'window on one layer': { slidingWindow: { size: 5, layers: [1] } },
  'three layers, odd sizes': { numLayers: 3, hiddenSize: 48, intermediateSize: 112, numHeads: 6, numKvHeads: 3 },
};

const stylesFor = (spec: DecoderSpec): DecoderStyle[] =>
  spec.slidingWindow ? ['genai', 'optimum'] : ['genai', 'optimum', 'mha', 'attention23'];

/** Logits of all tokens at once, and of the last ones after a past; MultiHeadAttention's mask takes them one by one. */
async function logitsOf(spec: DecoderSpec): Promise<{ whole: Float32Array; continued: Float32Array }> {
  const decoder = await openPlainDecoder(buildDecoder(spec), { headDim: spec.headDim ?? 16 });
  const whole = await decoder.run(TOKENS);
  await decoder.run(TOKENS.slice(0, PAST), { reset: true });
  const rest = TOKENS.slice(PAST);
  const chunks = spec.style === 'mha' ? rest.map((token) => [token]) : [rest];
  const parts: number[] = [];
  for (const chunk of chunks) parts.push(...(await decoder.run(chunk)));
  await decoder.release();
  return { whole, continued: Float32Array.from(parts) };
}

const distance = (a: Float32Array, b: Float32Array) => {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
};

describe.each(Object.entries(SHAPES))('%s', (_, shape) => {
  test.each(['fp32', 'int8', 'int4'] as const)('every style gives the same logits in %s', async (dtype) => {
    // A tied quantised embedding exists in the genai style only.
    const spec = { ...shape, dtype, ...(dtype === 'fp32' ? {} : { tiedEmbeddings: false }) };
    let reference: Float32Array | undefined;
    for (const style of stylesFor(spec)) {
      const { whole, continued } = await logitsOf({ ...spec, style });
      reference ??= whole;
      expect(Math.max(...reference)).toBeGreaterThan(1);
      expect(distance(whole, reference), style).toBeLessThan(1e-4);
      expect(distance(continued, whole.subarray(PAST * VOCABULARY)), `${style} after a past`).toBeLessThan(1e-4);
    }
  });
});

// Half precision costs a second a session on a CPU: one shape.
test('every style runs in float16 and stays near float32', async () => {
  const { whole: reference } = await logitsOf({});
  for (const style of stylesFor({})) {
    const { whole, continued } = await logitsOf({ style, dtype: 'fp16' });
    expect(distance(whole, reference), style).toBeLessThan(0.03);
    expect(distance(continued, whole.subarray(PAST * VOCABULARY)), `${style} after a past`).toBeLessThan(0.02);
  }
});

test('4-bit weights with float16 activations, as exports for GPUs have them, run', async () => {
  const { whole: exact } = await logitsOf({});
  const { whole: single } = await logitsOf({ dtype: 'int4' });
  const { whole: half } = await logitsOf({ dtype: 'int4', activations: 'float16' });
  // Scales rounded to float16 move a few weights by one level; far less than the rounding to 4 bits itself.
  expect(distance(half, single)).toBeLessThan(distance(single, exact) / 3);
});

test('a mask, a window and an angle each show in the logits', async () => {
  const { whole } = await logitsOf({});
  for (const change of [
    { slidingWindow: { size: 5, layers: [0] } },
    { ropeTheta: 9_000 },
    { rmsNormEps: 0.1 },
    { seed: 2 },
  ] as const) {
    expect(distance((await logitsOf(change)).whole, whole)).toBeGreaterThan(1e-2);
  }
});

test('the same seed gives the same model, byte for byte', () => {
  const bytes = () => toBinary(ModelProtoSchema, buildDecoder({ seed: 5 }).proto);
  expect(Buffer.compare(bytes(), bytes())).toBe(0);
});

test.each<[DecoderSpec, RegExp]>([
  [{ numHeads: 4, numKvHeads: 3 }, /multiple of numKvHeads/],
  [{ rotaryDim: 15 }, /even rotaryDim/],
  [{ rotaryDim: 8 }, /multiple of 16/],
  [{ style: 'mha', slidingWindow: { size: 4, layers: [0] } }, /no slidingWindow/],
  [{ weights: 'hollow' }, /externalData/],
  [{ dtype: 'int8', quantization: { blockSize: 24 } }, /power of two/],
  [{ dtype: 'int4', quantization: { unpack: 'load' } }, /8 symmetric bits/],
])('a spec that cannot run is refused: %o', (spec, message) => {
  expect(() => buildDecoder(spec)).toThrow(message);
});
