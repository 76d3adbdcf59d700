import { MinferenceError } from '../errors.js';
import { Tensor } from '../runtime/tensor.js';
import type { DType, TensorInfo } from '../runtime/types.js';
import type { DecoderParts, FeedMaker } from './decoder-parts.js';

/**
 * Finds out what to feed to every input of a graph, by role and by the names that exporters use.
 *
 * @throws MinferenceError MODEL_UNSUPPORTED naming an input that no rule knows
 */
export function createFeedMakers({
  session,
  io,
  layers,
  directory,
}: Omit<DecoderParts, 'feedMakers'>): Map<string, FeedMaker> {
  const fedElsewhere = new Set(
    layers.flatMap((layer) => [
      layer.pastKey,
      layer.pastValue,
      layer.patternsInput,
      layer.candidatesInput,
      layer.budgetInput,
    ]),
  );
  const makers = new Map<string, FeedMaker>();
  for (const input of session.inputs) {
    if (fedElsewhere.has(input.name)) continue;
    const maker = makerFor(input, io);
    if (maker === undefined) {
      throw new MinferenceError(
        'MODEL_UNSUPPORTED',
        `${directory.modelPath}: expected the inputs of a text decoder, found "${input.name}" as well`,
        { hint: 'Export the language model alone, for text generation with past (a KV cache).' },
      );
    }
    makers.set(input.name, maker);
  }
  return makers;
}

function makerFor(input: TensorInfo, io: DecoderParts['io']): FeedMaker | undefined {
  const { dtype } = input;
  switch (input.name) {
    case io.inputIds:
      return ({ tokens }) => integers(dtype, tokens, [1, tokens.length]);
    case io.attentionMask:
      return ({ tokens, past }) => filled(dtype, 1, [1, past + tokens.length]);
    case io.positionIds:
      return ({ tokens, past }) => integers(dtype, positions(past, tokens.length), [1, tokens.length]);
    case 'cache_position':
      return ({ tokens, past }) => integers(dtype, positions(past, tokens.length), [tokens.length]);
    case 'num_logits_to_keep':
    case 'logits_to_keep':
      return () =>
        filled(
          dtype,
          io.logitsRows === 'last' ? 1 : 0,
          input.shape.map(() => 1),
        );
    case 'use_cache_branch':
      // The branch with cache also takes an empty one, so prompt and answer use the same graph.
      return () => Tensor.fromArray('bool', Uint8Array.of(1), [1]);
    default:
      return undefined;
  }
}

const positions = (past: number, rows: number) => Array.from({ length: rows }, (_, row) => past + row);

function integers(dtype: DType, values: readonly number[], shape: readonly number[]): Tensor {
  if (dtype !== 'int64') return Tensor.fromArray(dtype, Int32Array.from(values), shape);
  const data = new BigInt64Array(values.length);
  for (let index = 0; index < values.length; index++) data[index] = BigInt(values[index]!);
  return Tensor.fromArray(dtype, data, shape);
}

function filled(dtype: DType, value: number, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  switch (dtype) {
    case 'int64':
      return Tensor.fromArray(dtype, new BigInt64Array(size).fill(BigInt(value)), shape);
    case 'int32':
      return Tensor.fromArray(dtype, new Int32Array(size).fill(value), shape);
    case 'float32':
      return Tensor.fromArray(dtype, new Float32Array(size).fill(value), shape);
    case 'bool':
    case 'uint8':
      return Tensor.fromArray(dtype, new Uint8Array(size).fill(value), shape);
    default:
      throw new MinferenceError('MODEL_UNSUPPORTED', `expected a mask of integers, float32 or bool, found ${dtype}`, {
        hint: 'Export the model with an int64 attention_mask.',
      });
  }
}
