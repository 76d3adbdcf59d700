import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { writeModelFile } from '../../models/builder/write-model-file.js';
import { checkExternalData, readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import { rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

/** The shape of Llama-3.2-1B. */
const ONE_BILLION: DecoderSpec = {
  numLayers: 16,
  hiddenSize: 2048,
  numHeads: 32,
  numKvHeads: 8,
  headDim: 64,
  intermediateSize: 8192,
  vocabSize: 128_256,
  maxPositions: 131_072,
  weights: 'hollow',
  externalData: { location: 'model.onnx.data' },
};

/** Bounds for a busy machine. */
const MAX_MS = 2000;
const MAX_RSS_GROWTH = 150e6;

test.each(['genai', 'optimum'] as const)('one billion parameters, style %s: no weight is touched', async (style) => {
  const path = join(temporaryFolder(), 'model.onnx');
  const built = buildDecoder({ ...ONE_BILLION, style });
  expect(built.externalData!.byteLength).toBeGreaterThan(4e9);
  await writeModelFile(path, built);
  const memory = process.memoryUsage().rss;
  const start = performance.now();
  const model = await readOnnxModel(path);
  await checkExternalData(model);
  const { proto, layers } = rewriteForPrefill(model);
  const bytes = serializeModel(proto);
  const elapsed = performance.now() - start;
  expect(layers).toHaveLength(16);
  expect(bytes.length).toBeLessThan(2e6);
  expect(elapsed).toBeLessThan(MAX_MS * (style === 'genai' ? 1 : 3));
  expect(process.memoryUsage().rss - memory).toBeLessThan(MAX_RSS_GROWTH);
});

test('the work grows with the graph, not with its square', () => {
  const seconds = (numLayers: number) => {
    const { proto } = buildDecoder({ ...ONE_BILLION, style: 'optimum', numLayers });
    const model = { proto, path: '/models/large/model.onnx', folder: '/models/large' };
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      expect(rewriteForPrefill(model).layers).toHaveLength(numLayers);
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  seconds(4);
  // Eight times the layers: 8 if linear, 64 if quadratic.
  expect(seconds(64) / seconds(8)).toBeLessThan(24);
});
