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

const MAX_RSS_GROWTH = 150e6;

test.each(['genai', 'optimum'] as const)('one billion parameters, style %s: no weight is touched', async (style) => {
  const path = join(temporaryFolder(), 'model.onnx');
  const built = buildDecoder({ ...ONE_BILLION, style });
  expect(built.externalData!.byteLength).toBeGreaterThan(4e9);
  await writeModelFile(path, built);
  const memory = process.memoryUsage().rss;
  const model = await readOnnxModel(path);
  await checkExternalData(model);
  const { proto, layers } = rewriteForPrefill(model);
  const bytes = serializeModel(proto);
  expect(layers).toHaveLength(16);
  expect(bytes.length).toBeLessThan(2e6);
  expect(process.memoryUsage().rss - memory).toBeLessThan(MAX_RSS_GROWTH);
});

test('a graph of 62,000 nodes is no trouble: work that grew with its square would not come to an end', () => {
  const { proto } = buildDecoder({ ...ONE_BILLION, style: 'optimum', numLayers: 256 });
  expect(proto.graph!.node.length).toBeGreaterThan(60_000);
  const model = { proto, path: '/models/large/model.onnx', folder: '/models/large' };
  expect(rewriteForPrefill(model).layers).toHaveLength(256);
});
