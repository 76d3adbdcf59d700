import { readFile, rm, writeFile } from 'node:fs/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { openPlainDecoder } from '../plain-decoder.js';

/** The smallest change of a float32 near 1, twice. */
const NUDGE = 1 + 2 ** -22;

/**
 * Logits of the same model with every softmax scale two float32 steps larger: what a rounding in attention, such as
 * another summation order, does to them.
 *
 * @param modelPath - its folder takes a second model file for the time of the call
 */
export async function nudgedLogits(modelPath: string, tokens: readonly number[]): Promise<Float32Array> {
  const proto = fromBinary(ModelProtoSchema, await readFile(modelPath));
  for (const { opType, attribute } of proto.graph!.node) {
    const scale = attribute.find(({ name }) => name === 'scale');
    if (opType === 'GroupQueryAttention' && scale) scale.f = Math.fround(scale.f * NUDGE);
  }
  const path = modelPath.replace(/\.onnx$/, '.nudged.onnx');
  await writeFile(path, toBinary(ModelProtoSchema, proto));
  try {
    const decoder = await openPlainDecoder(path, { headDim: 64 });
    const logits = await decoder.run(tokens);
    await decoder.release();
    return logits;
  } finally {
    await rm(path);
  }
}
