import { MinferenceError } from '../errors.js';
import { CACHE_LENGTH_INPUT } from '../onnx/rewrite/length-switch.js';
import { TARGETS_INPUT } from '../onnx/rewrite/next-token-loss.js';
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
  states,
  directory,
}: Omit<DecoderParts, 'feedMakers'>): Map<string, FeedMaker> {
  const patterns = layers.flatMap(({ patternsInput, indices, candidatesInput, budgetInput }) => [
    patternsInput,
    ...(indices?.inputs ?? []),
    candidatesInput,
    budgetInput,
  ]);
  const fedElsewhere = new Set([...states.map(({ input }) => input), ...patterns, TARGETS_INPUT]);
  const makers = new Map<string, FeedMaker>();
  const unknown: TensorInfo[] = [];
  for (const input of session.inputs) {
    if (fedElsewhere.has(input.name)) continue;
    const maker = makerFor(input, io);
    if (maker) makers.set(input.name, maker);
    else unknown.push(input);
  }
  if (unknown.length > 0) throw unknownInputs(directory.modelPath, unknown);
  return makers;
}

/** How many inputs an error names. */
const MAX_NAMED = 4;

function unknownInputs(path: string, inputs: readonly TensorInfo[]): MinferenceError {
  const names = inputs
    .slice(0, MAX_NAMED)
    .map(({ name, dtype, shape }) => `"${name}" (${dtype} [${shape.join(', ')}])`);
  const more = inputs.length > MAX_NAMED ? ` and ${inputs.length - MAX_NAMED} more` : '';
  const isState = inputs.some(({ name }) => /past|state|cache/.test(name));
  const problem = isState ? ', which no output of the graph continues or whose sizes it does not say' : '';
  return new MinferenceError(
    'MODEL_UNSUPPORTED',
    `${path}: expected the inputs of a text decoder, found ${names.join(', ')}${more} as well${problem}`,
    { hint: 'Export the language model alone, for text generation with past (a KV cache).' },
  );
}

function makerFor(input: TensorInfo, io: DecoderParts['io']): FeedMaker | undefined {
  const { dtype } = input;
  switch (input.name) {
    case io.inputIds:
      return ({ tokens }) => integers(dtype, tokens, [1, tokens.length]);
    case io.attentionMask:
      return ({ tokens, past }) => filled(dtype, 1, [1, past + tokens.length]);
    case io.positionIds:
      return ({ tokens, past }) => positionIds(input, positions(past, tokens.length));
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
    case CACHE_LENGTH_INPUT:
      return ({ planned }) => integers(dtype, [planned], [1]);
    case 'use_cache_branch':
      // The branch with cache also takes an empty one, so prompt and answer use the same graph.
      return () => Tensor.fromArray('bool', Uint8Array.of(1), [1]);
    default:
      return undefined;
  }
}

/** Three dimensions are those of time, height and width, which are the same for text: [3, 1, rows]. */
function positionIds({ dtype, shape }: TensorInfo, ids: readonly number[]): Tensor {
  if (shape.length !== 3) return integers(dtype, ids, [1, ids.length]);
  const axes = typeof shape[0] === 'number' ? shape[0] : 3;
  return integers(dtype, Array.from({ length: axes }, () => ids).flat(), [axes, 1, ids.length]);
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
