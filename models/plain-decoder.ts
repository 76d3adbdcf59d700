import { toBinary } from '@bufbuild/protobuf';
import { getFloat16 } from '@petamoriken/float16';
import { ModelProtoSchema } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { BuiltDecoder } from './builder/build-decoder.js';

/** A decoder in plain ONNX Runtime, without this project's ops; batch 1. Keeps the KV cache between calls. */
export interface PlainDecoder {
  readonly session: InferenceSession;
  /** Runs tokens after those of the cache; `reset` empties it first. Logits are [tokens, vocabSize] in float32. */
  run(tokens: readonly number[], options?: { reset?: boolean }): Promise<Float32Array>;
  /** Greedy answer to a prompt, with an empty cache at its start. */
  generate(
    prompt: readonly number[],
    options: { maxNewTokens: number; stopTokenIds: readonly number[] },
  ): Promise<number[]>;
  release(): Promise<void>;
}

export interface PlainDecoderOptions {
  /** Needed where the graph leaves the cache's last dimension open, as onnxruntime-genai's do. */
  headDim?: number;
  session?: InferenceSession.SessionOptions;
}

/** @param model - a built decoder without external data, or the path of a model file */
export async function openPlainDecoder(
  model: BuiltDecoder | string,
  options: PlainDecoderOptions = {},
): Promise<PlainDecoder> {
  const sessionOptions = { logSeverityLevel: 3 as const, ...options.session };
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, sessionOptions)
      : await InferenceSession.create(toBinary(ModelProtoSchema, model.proto), sessionOptions);
  const pastNames = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
  const presentName = (past: string) => past.replace('past_key_values', 'present');
  let cache = new Map<string, Tensor>();
  let length = 0;

  const run: PlainDecoder['run'] = async (tokens, { reset = false } = {}) => {
    if (reset) {
      cache = new Map();
      length = 0;
    }
    const feeds: Record<string, Tensor> = {
      input_ids: int64(tokens),
      attention_mask: int64(new Array<number>(length + tokens.length).fill(1)),
    };
    if (session.inputNames.includes('position_ids')) feeds.position_ids = int64(tokens.map((_, at) => length + at));
    for (const name of pastNames) feeds[name] = cache.get(name) ?? emptyCache(session, name, options.headDim);
    const results = await session.run(feeds);
    cache = new Map(pastNames.map((name) => [name, results[presentName(name)]!]));
    length += tokens.length;
    return toFloat32(results.logits!);
  };

  return {
    session,
    run,
    async generate(prompt, { maxNewTokens, stopTokenIds }) {
      let logits = await run(prompt, { reset: true });
      const vocabSize = logits.length / prompt.length;
      const answer: number[] = [];
      for (;;) {
        const next = argmax(logits.subarray(logits.length - vocabSize));
        if (stopTokenIds.includes(next)) return answer;
        answer.push(next);
        if (answer.length === maxNewTokens) return answer;
        logits = await run([next]);
      }
    },
    release: () => session.release(),
  };
}

const int64 = (values: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

function emptyCache(session: InferenceSession, name: string, headDim?: number): Tensor {
  const info = session.inputMetadata.find((input) => input.name === name);
  if (!info?.isTensor) throw new RangeError(`expected a tensor input "${name}"`);
  const [, heads, , width] = info.shape;
  const last = typeof width === 'number' ? width : headDim;
  if (typeof heads !== 'number' || last === undefined) throw new RangeError(`expected headDim for "${name}"`);
  const dims = [1, heads, 0, last];
  return info.type === 'float16'
    ? new Tensor('float16', new Uint16Array(0), dims)
    : new Tensor('float32', new Float32Array(0), dims);
}

function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  const bits = tensor.data as unknown as Uint16Array;
  const view = new DataView(bits.buffer, bits.byteOffset, bits.byteLength);
  return Float32Array.from({ length: bits.length }, (_, index) => getFloat16(view, index * 2, true));
}

/** Index of the largest value; the first one where several are equal. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index;
  return best;
}
