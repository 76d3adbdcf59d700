import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import { checkHeads, count, type ModelConfig, tokenIdList, tokenIds } from './config.js';
import { MAX_CONTEXT_LENGTH, MAX_HEAD_DIM, MAX_HEADS, MAX_HIDDEN_SIZE, MAX_LAYERS, MAX_VOCAB_SIZE } from './limits.js';
import { parseJson } from './parse-json.js';

const optionalCount = (max: number) => count(max).nullish();

/** config.json of a decoder: today's names, then those of older architectures. */
const decoderFields = {
  num_hidden_layers: optionalCount(MAX_LAYERS),
  n_layer: optionalCount(MAX_LAYERS),
  num_layers: optionalCount(MAX_LAYERS),
  num_attention_heads: optionalCount(MAX_HEADS),
  n_head: optionalCount(MAX_HEADS),
  num_key_value_heads: optionalCount(MAX_HEADS),
  num_kv_heads: optionalCount(MAX_HEADS),
  multi_query: z.boolean().nullish(),
  head_dim: optionalCount(MAX_HEAD_DIM),
  hidden_size: optionalCount(MAX_HIDDEN_SIZE),
  n_embd: optionalCount(MAX_HIDDEN_SIZE),
  intermediate_size: optionalCount(MAX_HIDDEN_SIZE),
  vocab_size: optionalCount(MAX_VOCAB_SIZE),
  max_position_embeddings: optionalCount(MAX_CONTEXT_LENGTH),
  n_positions: optionalCount(MAX_CONTEXT_LENGTH),
  n_ctx: optionalCount(MAX_CONTEXT_LENGTH),
  max_sequence_length: optionalCount(MAX_CONTEXT_LENGTH),
  seq_length: optionalCount(MAX_CONTEXT_LENGTH),
  rope_scaling: z
    .looseObject({
      type: z.string().optional(),
      rope_type: z.string().optional(),
      factor: z.number().positive().max(4096).optional(),
      original_max_position_embeddings: count(MAX_CONTEXT_LENGTH).optional(),
    })
    .nullish(),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
};

const configSchema = z.looseObject({
  model_type: z.string().min(1).max(128),
  ...decoderFields,
  /** Multimodal models keep their decoder's numbers here. */
  text_config: z.looseObject(decoderFields).nullish(),
});

const generationSchema = z.looseObject({ bos_token_id: tokenIds, eos_token_id: tokenIds, pad_token_id: tokenIds });

/**
 * Reads config.json as transformers writes it, and generation_config.json, whose token ids have precedence.
 *
 * @throws MinferenceError MODEL_INVALID naming file and field
 */
export function parseTransformersConfig(
  text: string,
  file: string,
  generation?: { text: string; file: string },
): ModelConfig {
  const root = parseJson(text, configSchema, file, 'MODEL_INVALID');
  const config = { ...root, ...withoutNull(root.text_config ?? {}), model_type: root.model_type };
  const ids = generation ? parseJson(generation.text, generationSchema, generation.file, 'MODEL_INVALID') : {};

  const numHeads = required(file, 'num_attention_heads', config.num_attention_heads ?? config.n_head);
  const numKvHeads = config.num_key_value_heads ?? config.num_kv_heads ?? (config.multi_query ? 1 : numHeads);
  checkHeads(file, { numHeads, numKvHeads }, { numHeads: 'num_attention_heads', numKvHeads: 'num_key_value_heads' });
  const hiddenSize = config.hidden_size ?? config.n_embd ?? undefined;
  const vocabSize = required(file, 'vocab_size', config.vocab_size);
  const bos = ids.bos_token_id ?? config.bos_token_id;
  const eos = ids.eos_token_id ?? config.eos_token_id;
  const pad = ids.pad_token_id ?? config.pad_token_id;
  return {
    modelType: config.model_type,
    numLayers: required(file, 'num_hidden_layers', config.num_hidden_layers ?? config.n_layer ?? config.num_layers),
    numHeads,
    numKvHeads,
    headDim: config.head_dim ?? derivedHeadDim(file, hiddenSize, numHeads),
    vocabSize,
    contextLength: contextLength(file, config),
    bosTokenIds: tokenIdList(bos, vocabSize),
    eosTokenIds: tokenIdList(eos, vocabSize),
    padTokenId: tokenIdList(pad, vocabSize)[0] ?? null,
    ...defined({ hiddenSize, intermediateSize: config.intermediate_size || undefined }),
  };
}

type Config = z.infer<typeof configSchema>;

function contextLength(file: string, config: Config): number {
  const positions = required(
    file,
    'max_position_embeddings',
    config.max_position_embeddings ??
      config.n_positions ??
      config.n_ctx ??
      config.max_sequence_length ??
      config.seq_length,
  );
  // YaRN is switched on by hand in configs whose max_position_embeddings still is the length before scaling.
  const scaling = config.rope_scaling;
  const yarn = (scaling?.rope_type ?? scaling?.type) === 'yarn';
  if (!yarn || !scaling?.factor) return positions;
  const original = scaling.original_max_position_embeddings ?? positions;
  return Math.min(MAX_CONTEXT_LENGTH, Math.max(positions, Math.floor(original * scaling.factor)));
}

function derivedHeadDim(file: string, hiddenSize: number | undefined, numHeads: number): number {
  const width = required(file, 'hidden_size', hiddenSize);
  if (width % numHeads === 0 && width / numHeads <= MAX_HEAD_DIM) return width / numHeads;
  throw new MinferenceError(
    'MODEL_INVALID',
    `${file}: expected "head_dim", or "hidden_size" divisible by "num_attention_heads", found ${width} and ${numHeads}`,
    { hint: 'Add "head_dim", or export the model again.' },
  );
}

function required(file: string, field: string, value: number | null | undefined): number {
  if (value !== null && value !== undefined) return value;
  throw new MinferenceError('MODEL_INVALID', `${file}: expected field "${field}", found nothing`, {
    hint: 'This is not the config.json of a decoder, or it is incomplete. Export or download the model again.',
  });
}

function withoutNull(fields: Record<string, unknown>): Partial<Config> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
