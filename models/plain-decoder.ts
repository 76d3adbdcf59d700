import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { getFloat16 } from '@petamoriken/float16';
import { ModelProtoSchema } from 'onnx-buf';
import { Session } from '../src/runtime/session.js';
import { Tensor } from '../src/runtime/tensor.js';
import type { BuiltDecoder } from './builder/build-decoder.js';

/** A decoder in plain ONNX Runtime, without this project's ops; batch 1. Keeps the KV cache between calls. */
export interface PlainDecoder {
  readonly session: Session;
  /** Runs tokens after those of the cache; `reset` empties it first. Logits are [tokens, vocabSize] in float32. */
  run(tokens: readonly number[], options?: { reset?: boolean }): Promise<Float32Array>;
  /** Greedy answer to a prompt, with an empty cache at its start. */
  generate(
    prompt: readonly number[],
    options: { maxNewTokens: number; stopTokenIds: readonly number[] },
  ): Promise<number[]>;
  release(): void;
}

export interface PlainDecoderOptions {
  /** Needed where the graph leaves the cache's last dimension open, as onnxruntime-genai's do. */
  headDim?: number;
  /** ONNX Runtime writes a profile per node with this file prefix. */
  profilePrefix?: string;
}

/** @param model - a built decoder without external data, or the path of a model file */
export async function openPlainDecoder(
  model: BuiltDecoder | string,
  { headDim, profilePrefix }: PlainDecoderOptions = {},
): Promise<PlainDecoder> {
  const session = await Session.create({
    device: 'cpu',
    customOps: false,
    ...(typeof model === 'string'
      ? { model: await readFile(model), externalDataFolder: dirname(model) }
      : { model: toBinary(ModelProtoSchema, model.proto) }),
    ...(profilePrefix === undefined ? {} : { profilePrefix }),
  });
  const pasts = session.inputs.filter(({ name }) => name.startsWith('past_key_values.'));
  const presentName = (past: string) => past.replace('past_key_values', 'present');
  const takesPositions = session.inputs.some(({ name }) => name === 'position_ids');
  const fetches = {
    logits: 'host',
    ...Object.fromEntries(pasts.map(({ name }) => [presentName(name), 'host' as const])),
  } as const;
  let cache = new Map<string, Tensor>();
  let length = 0;

  const emptyCache = () => {
    for (const tensor of cache.values()) tensor.dispose();
    cache = new Map(pasts.map((past) => [past.name, emptyPast(past, headDim)]));
    length = 0;
  };
  emptyCache();

  const run: PlainDecoder['run'] = async (tokens, { reset = false } = {}) => {
    if (reset) emptyCache();
    const feeds: Record<string, Tensor> = {
      input_ids: int64(tokens),
      attention_mask: int64(new Array<number>(length + tokens.length).fill(1)),
      ...(takesPositions ? { position_ids: int64(tokens.map((_, at) => length + at)) } : {}),
      ...Object.fromEntries(cache),
    };
    const results: Record<string, Tensor> = await session.run(feeds, fetches);
    for (const tensor of Object.values(feeds)) tensor.dispose();
    cache = new Map(pasts.map(({ name }) => [name, results[presentName(name)]!]));
    length += tokens.length;
    using logits = results.logits!;
    return toFloat32(logits);
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
    release() {
      for (const tensor of cache.values()) tensor.dispose();
      session.dispose();
    },
  };
}

const int64 = (values: readonly number[]) =>
  Tensor.fromArray('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

function emptyPast({ name, dtype, shape }: Session['inputs'][number], headDim?: number): Tensor {
  const [, heads, , width] = shape;
  const last = typeof width === 'number' && width > 0 ? width : headDim;
  if (typeof heads !== 'number' || last === undefined) throw new RangeError(`expected headDim for "${name}"`);
  return Tensor.allocate(dtype, [1, heads, 0, last]);
}

/** A copy: the tensor's own elements live as long as the tensor. */
function toFloat32(tensor: Tensor): Float32Array {
  const elements = tensor.data();
  if (tensor.dtype === 'float32') return (elements as Float32Array).slice();
  const view = new DataView(elements.buffer, elements.byteOffset, elements.byteLength);
  return Float32Array.from({ length: elements.length }, (_, index) => getFloat16(view, index * 2, true));
}

/** Index of the largest value; the first one where several are equal. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index;
  return best;
}
