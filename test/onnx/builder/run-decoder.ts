import { toBinary } from '@bufbuild/protobuf';
import { getFloat16 } from '@petamoriken/float16';
import { ModelProtoSchema } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { BuiltDecoder } from '../../../src/onnx/builder/build-decoder.js';

/** Past or present caches by name without the prefix, `0.key`. */
type Cache = Map<string, Tensor>;

/** A model in plain ONNX Runtime, with the cache kept between calls. Batch 1. */
export interface PlainDecoder {
  /** Runs tokens after those of the cache; logits are [tokens, vocabSize] in float32. */
  run(tokens: readonly number[], options?: { reset?: boolean }): Promise<Float32Array>;
  release(): Promise<void>;
}

/** @param model - a built decoder without external data, or the path of a model file */
export async function openDecoder(
  model: BuiltDecoder | string,
  options: InferenceSession.SessionOptions = {},
): Promise<PlainDecoder> {
  const source = typeof model === 'string' ? model : toBinary(ModelProtoSchema, model.proto);
  // The two overloads of create() do not take their union.
  const session = await InferenceSession.create(source as string, { logSeverityLevel: 3, ...options });
  const pastNames = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
  let cache: Cache = new Map();
  let length = 0;

  return {
    async run(tokens, { reset = false } = {}) {
      if (reset) {
        cache = new Map();
        length = 0;
      }
      const total = length + tokens.length;
      const feeds: Record<string, Tensor> = {
        input_ids: int64(tokens),
        attention_mask: int64(new Array<number>(total).fill(1)),
      };
      if (session.inputNames.includes('position_ids')) feeds.position_ids = int64(tokens.map((_, at) => length + at));
      for (const name of pastNames) feeds[name] = cache.get(suffix(name)) ?? emptyCache(session, name);
      const results = await session.run(feeds);
      cache = new Map(pastNames.map((name) => [suffix(name), results[`present.${suffix(name)}`]!]));
      length = total;
      return toFloat32(results.logits!);
    },
    release: () => session.release(),
  };
}

const suffix = (name: string) => name.slice(name.indexOf('.') + 1);

const int64 = (values: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

function emptyCache(session: InferenceSession, name: string): Tensor {
  const info = session.inputMetadata[session.inputNames.indexOf(name)]!;
  if (!info.isTensor) throw new Error(`${name} is no tensor`);
  const heads = info.shape[1] as number;
  const headDim = headDims.get(session) ?? 16;
  const dims = [1, heads, 0, typeof info.shape[3] === 'number' ? info.shape[3] : headDim];
  return info.type === 'float16'
    ? new Tensor('float16', new Uint16Array(0), dims)
    : new Tensor('float32', new Float32Array(0), dims);
}

const headDims = new WeakMap<InferenceSession, number>();

function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  const bits = tensor.data as Uint16Array;
  const view = new DataView(bits.buffer, bits.byteOffset, bits.byteLength);
  return Float32Array.from({ length: bits.length }, (_, index) => getFloat16(view, index * 2, true));
}
