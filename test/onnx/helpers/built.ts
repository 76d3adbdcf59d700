import { buildDecoder } from '../../../models/builder/build-decoder.js';
import type { DecoderSpec } from '../../../models/builder/spec.js';
import type { OnnxModel } from '../../../src/onnx/types.js';

/** A built decoder with its weights inside. */
export function builtModel(spec: DecoderSpec = {}): OnnxModel {
  const { proto } = buildDecoder({ ...spec, externalData: false });
  return { proto, path: '/models/built/model.onnx', folder: '/models/built' };
}
