import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import { checkHeads, count, type ModelConfig, type StateNames, tokenIdList, tokenIds } from './config.js';
import { MAX_CONTEXT_LENGTH, MAX_HEAD_DIM, MAX_HEADS, MAX_HIDDEN_SIZE, MAX_LAYERS, MAX_VOCAB_SIZE } from './limits.js';
import { parseJson } from './parse-json.js';

const ioName = z.string().min(1).max(512);

/** What onnxruntime-genai's model builder writes; fields that these tools do not use may be anything. */
const genaiSchema = z.looseObject({
  model: z.looseObject({
    type: z.string().min(1).max(128),
    vocab_size: count(MAX_VOCAB_SIZE),
    context_length: count(MAX_CONTEXT_LENGTH),
    bos_token_id: tokenIds,
    eos_token_id: tokenIds,
    pad_token_id: tokenIds,
    decoder: z.looseObject({
      filename: z.string().min(1).max(512),
      num_hidden_layers: count(MAX_LAYERS),
      num_attention_heads: count(MAX_HEADS),
      num_key_value_heads: count(MAX_HEADS),
      head_size: count(MAX_HEAD_DIM),
      hidden_size: count(MAX_HIDDEN_SIZE).optional(),
      inputs: z.looseObject({
        input_ids: ioName,
        attention_mask: ioName.optional(),
        position_ids: ioName.optional(),
        past_key_names: ioName.optional(),
        past_value_names: ioName.optional(),
      }),
      outputs: z.looseObject({
        logits: ioName,
        present_key_names: ioName.optional(),
        present_value_names: ioName.optional(),
      }),
    }),
  }),
});

/** The decoder's file and numbers out of genai_config.json. */
export interface GenaiModel {
  /** Relative to the folder of genai_config.json. */
  filename: string;
  config: ModelConfig;
}

/** @throws MinferenceError MODEL_INVALID naming file and field */
export function parseGenaiConfig(text: string, file: string): GenaiModel {
  const { model } = parseJson(text, genaiSchema, file, 'MODEL_INVALID');
  const { decoder } = model;
  if (/(^|[\\/])\.\.([\\/]|$)|^[\\/]/.test(decoder.filename)) {
    throw new MinferenceError(
      'MODEL_INVALID',
      `${file}: field "model.decoder.filename": expected a file beside it, found "${decoder.filename}"`,
      { hint: 'Put the .onnx file into the folder of genai_config.json.' },
    );
  }
  const heads = { numHeads: decoder.num_attention_heads, numKvHeads: decoder.num_key_value_heads };
  checkHeads(file, heads, {
    numHeads: 'model.decoder.num_attention_heads',
    numKvHeads: 'model.decoder.num_key_value_heads',
  });
  return {
    filename: decoder.filename,
    config: {
      modelType: model.type,
      numLayers: decoder.num_hidden_layers,
      ...heads,
      headDim: decoder.head_size,
      vocabSize: model.vocab_size,
      contextLength: model.context_length,
      bosTokenIds: tokenIdList(model.bos_token_id, model.vocab_size),
      eosTokenIds: tokenIdList(model.eos_token_id, model.vocab_size),
      padTokenId: tokenIdList(model.pad_token_id, model.vocab_size)[0] ?? null,
      ...defined({ hiddenSize: decoder.hidden_size || undefined }),
      ...names(decoder, decoder.num_hidden_layers),
    },
  };
}

type GenaiDecoder = z.infer<typeof genaiSchema>['model']['decoder'];

/** Every name the config says; those of states with `%d` replaced by the layers' numbers. */
function names({ inputs, outputs }: GenaiDecoder, numLayers: number): { ioNames: string[]; stateNames: StateNames[] } {
  const byLayer = (name: string) => Array.from({ length: numLayers }, (_, layer) => name.replace('%d', String(layer)));
  const stateNames = Object.entries(inputs).flatMap(([key, past]) => {
    const present = (outputs as Record<string, unknown>)[key.replace(/^past_/, 'present_')];
    const isPair = /^past_.+_names$/.test(key) && typeof past === 'string' && typeof present === 'string';
    return isPair ? [{ past: byLayer(past), present: byLayer(present) }] : [];
  });
  const single = [inputs.input_ids, inputs.attention_mask, inputs.position_ids, outputs.logits];
  const states = stateNames.flatMap(({ past, present }) => [...past, ...present]);
  return { ioNames: [...single.filter((name) => name !== undefined), ...states], stateNames };
}
