import type { DecoderShape, LayerKind } from './shape.js';

/** Token ids of the tiny tokenizer. */
const TOKEN_IDS = { bos_token_id: 1, eos_token_id: [5, 2], pad_token_id: 0 };

/** The family whose config a shape needs: norms of q and k are Qwen3's, biases Qwen2's, a window Mistral's. */
function family(shape: DecoderShape): { modelType: string; architecture: string } {
  const kinds = Object.values(shape.layerKinds);
  if (kinds.includes('sinks')) return { modelType: 'gpt_oss', architecture: 'GptOssForCausalLM' };
  if (kinds.includes('shared')) return { modelType: 'gemma4', architecture: 'Gemma4ForCausalLM' };
  if (kinds.includes('linear')) return { modelType: 'qwen3_5', architecture: 'Qwen3_5ForCausalLM' };
  if (kinds.includes('conv')) return { modelType: 'lfm2', architecture: 'Lfm2ForCausalLM' };
  if (shape.qkNorm) return { modelType: 'qwen3', architecture: 'Qwen3ForCausalLM' };
  if (shape.attentionBias) return { modelType: 'qwen2', architecture: 'Qwen2ForCausalLM' };
  if (shape.slidingWindow) return { modelType: 'mistral', architecture: 'MistralForCausalLM' };
  return { modelType: 'llama', architecture: 'LlamaForCausalLM' };
}

/** config.json as transformers writes it. */
export function transformersConfig(shape: DecoderShape): object {
  const { modelType, architecture } = family(shape);
  return {
    architectures: [architecture],
    model_type: modelType,
    hidden_act: 'silu',
    hidden_size: shape.hiddenSize,
    intermediate_size: shape.intermediateSize,
    num_hidden_layers: shape.numLayers,
    num_attention_heads: shape.numHeads,
    num_key_value_heads: shape.numKvHeads,
    head_dim: shape.headDim,
    vocab_size: shape.vocabSize,
    max_position_embeddings: shape.maxPositions,
    rms_norm_eps: shape.rmsNormEps,
    rope_theta: shape.ropeTheta,
    rope_scaling: null,
    ...(shape.rotaryDim === shape.headDim ? {} : { partial_rotary_factor: shape.rotaryDim / shape.headDim }),
    ...(shape.slidingWindow ? { sliding_window: shape.slidingWindow.size } : {}),
    attention_bias: shape.attentionBias,
    tie_word_embeddings: shape.tiedEmbeddings,
    use_cache: true,
    ...TOKEN_IDS,
    torch_dtype: 'float32',
  };
}

/** Names of states that are no keys and values, where a model has such layers. */
function stateNames({ layerKinds }: DecoderShape, side: 'past' | 'present', prefix: string): Record<string, string> {
  const has = (kind: LayerKind) => Object.values(layerKinds).includes(kind);
  if (has('conv')) return { [`${side}_conv_names`]: `${side}_conv.%d` };
  if (!has('linear')) return {};
  const names = (state: string) => `${prefix}.%d.${state}`;
  return { [`${side}_conv_names`]: names('conv_state'), [`${side}_recurrent_names`]: names('recurrent_state') };
}

/** generation_config.json */
export function generationConfig(): object {
  return { ...TOKEN_IDS, do_sample: false, max_new_tokens: 128 };
}

/** genai_config.json as onnxruntime-genai's builder writes it. */
export function genaiConfig(shape: DecoderShape, options: { positionIds: boolean; sharedBuffer: boolean }): object {
  return {
    model: {
      bos_token_id: TOKEN_IDS.bos_token_id,
      context_length: shape.maxPositions,
      decoder: {
        session_options: { log_id: 'onnxruntime-genai', provider_options: [] },
        filename: 'model.onnx',
        head_size: shape.headDim,
        hidden_size: shape.hiddenSize,
        inputs: {
          input_ids: 'input_ids',
          attention_mask: 'attention_mask',
          ...(options.positionIds ? { position_ids: 'position_ids' } : {}),
          past_key_names: 'past_key_values.%d.key',
          past_value_names: 'past_key_values.%d.value',
          ...stateNames(shape, 'past', 'past_key_values'),
        },
        outputs: {
          logits: 'logits',
          present_key_names: 'present.%d.key',
          present_value_names: 'present.%d.value',
          ...stateNames(shape, 'present', 'present'),
        },
        num_attention_heads: shape.numHeads,
        num_hidden_layers: shape.numLayers,
        num_key_value_heads: shape.numKvHeads,
      },
      eos_token_id: TOKEN_IDS.eos_token_id,
      pad_token_id: TOKEN_IDS.pad_token_id,
      type: family(shape).modelType,
      vocab_size: shape.vocabSize,
    },
    search: {
      diversity_penalty: 0,
      do_sample: false,
      early_stopping: true,
      length_penalty: 1,
      max_length: shape.maxPositions,
      min_length: 0,
      no_repeat_ngram_size: 0,
      num_beams: 1,
      num_return_sequences: 1,
      past_present_share_buffer: options.sharedBuffer,
      repetition_penalty: 1,
      temperature: 1,
      top_k: 50,
      top_p: 1,
    },
  };
}
