import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import { dequantizeBlocks, quantizeBlocks } from '../../models/builder/quantize-blocks.js';
import { resolveSpec } from '../../models/builder/spec.js';
import { randomWeights, type WeightSource } from '../../models/builder/weights.js';
import { openPlainDecoder } from '../../models/plain-decoder.js';

const matrices = fc
  .record({ rows: fc.integer({ min: 1, max: 5 }), columns: fc.integer({ min: 1, max: 70 }), seed: fc.nat() })
  .chain(({ rows, columns }) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      values: fc.float32Array({ min: -8, max: 8, noNaN: true, minLength: rows * columns, maxLength: rows * columns }),
    }),
  );

const FORMS = [4, 8].flatMap((bits) =>
  [16, 32].flatMap((blockSize) => [true, false].map((symmetric) => ({ bits: bits as 4 | 8, blockSize, symmetric }))),
);

describe.each(FORMS)('$bits bits, blocks of $blockSize, symmetric $symmetric', (form) => {
  test('every weight comes back within one level of its block, the extreme of a symmetric block exactly', () => {
    fc.assert(
      fc.property(matrices, ({ rows, columns, values }) => {
        const quantized = quantizeBlocks(values, rows, columns, form);
        const back = dequantizeBlocks(quantized, rows, columns, form);
        for (let row = 0; row < rows; row++) {
          for (let start = 0; start < columns; start += form.blockSize) {
            const from = row * columns + start;
            const to = row * columns + Math.min(columns, start + form.blockSize);
            const scale = Math.abs(quantized.scales[row * quantized.blocks + start / form.blockSize]!);
            let extreme = from;
            for (let at = from; at < to; at++) {
              const error = Math.abs(back[at]! - values[at]!);
              // Levels end one short of the positive side; zero points and products round.
              expect(error).toBeLessThanOrEqual(scale * 1.0001 + 1e-30);
              if (Math.abs(values[at]!) > Math.abs(values[extreme]!)) extreme = at;
            }
            if (form.symmetric) expect(back[extreme]).toBeCloseTo(values[extreme]!, 5);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the mean error is a quarter of a level or less', () => {
    const { hiddenSize: columns } = resolveSpec({});
    const values = randomWeights(resolveSpec({}), 3).get('model.layers.0.mlp.gate_proj.weight');
    const rows = values.length / columns;
    const quantized = quantizeBlocks(values, rows, columns, form);
    const back = dequantizeBlocks(quantized, rows, columns, form);
    const meanScale = quantized.scales.reduce((sum, scale) => sum + Math.abs(scale), 0) / quantized.scales.length;
    const meanError = values.reduce((sum, value, at) => sum + Math.abs(value - back[at]!), 0) / values.length;
    expect(meanError).toBeLessThan(meanScale * 0.27);
    expect(meanError).toBeGreaterThan(meanScale * 0.2);
  });
});

test('a block of zeros stays zero', () => {
  for (const form of FORMS) {
    const back = dequantizeBlocks(quantizeBlocks(new Float32Array(64), 2, 32, form), 2, 32, form);
    expect(back.every((value) => value === 0)).toBe(true);
  }
});

/** Weights as a quantised decoder stores them, in float32; norms as they are. */
function dequantized(
  source: WeightSource,
  form: (typeof FORMS)[number],
  columnsOf: (name: string) => number,
): WeightSource {
  return {
    get(name) {
      const values = source.get(name);
      if (name.endsWith('norm.weight')) return values;
      const columns = columnsOf(name);
      const rows = values.length / columns;
      return dequantizeBlocks(quantizeBlocks(values, rows, columns, form), rows, columns, form);
    },
  };
}

describe('ONNX Runtime reads the blocks as they were meant', () => {
  const shape = resolveSpec({});
  const weights = randomWeights(shape, 1);
  const columnsOf = (name: string) => (name.includes('down_proj') ? shape.intermediateSize : shape.hiddenSize);
  const tokens = [3, 77, 12, 200, 9];

  const forms = FORMS.flatMap((form) => [{ ...form, unpack: 'kernel' as const }]).concat(
    FORMS.filter(({ bits, symmetric }) => bits === 8 && symmetric).map((form) => ({
      ...form,
      unpack: 'load' as never,
    })),
  );
  test.each(forms)('$bits bits, blocks of $blockSize, symmetric $symmetric, by $unpack', async (form) => {
    const { bits, blockSize, symmetric, unpack } = form;
    const decoder = await openPlainDecoder(
      buildDecoder({ dtype: bits === 4 ? 'int4' : 'int8', quantization: { blockSize, symmetric, unpack }, weights }),
      { headDim: 16 },
    );
    const float = await openPlainDecoder(buildDecoder({ weights: dequantized(weights, form, columnsOf) }), {
      headDim: 16,
    });
    const [actual, expected] = [await decoder.run(tokens), await float.run(tokens)];
    const worst = actual.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0);
    expect(worst).toBeLessThan(2e-5);
  });
});
