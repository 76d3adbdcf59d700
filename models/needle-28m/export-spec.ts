import { z } from 'zod';
import type { DecoderSpec } from '../builder/spec.js';

const configSchema = z.object({
  hidden_size: z.int(),
  intermediate_size: z.int(),
  num_hidden_layers: z.int(),
  num_attention_heads: z.int(),
  num_key_value_heads: z.int(),
  head_dim: z.int(),
  vocab_size: z.int(),
  max_position_embeddings: z.int(),
  rms_norm_eps: z.number(),
  rope_theta: z.number(),
  tie_word_embeddings: z.boolean(),
});

/** Choices that were measured against each other; README.md has the table. */
export interface ExportOptions {
  dtype?: 'fp32' | 'int8' | 'int4';
  blockSize?: number;
  symmetric?: boolean;
  accuracyLevel?: 0 | 1 | 4;
  /** MatMulNBits, or float matrices made when the model is loaded. */
  unpack?: 'kernel' | 'load';
}

/** config.json → what the graph builder needs, in the form that is shipped unless an option says otherwise. */
export function exportSpec(config: unknown, options: ExportOptions = {}): DecoderSpec {
  const { dtype = 'int8', blockSize = 64, symmetric = true, accuracyLevel = 0, unpack = 'load' } = options;
  const shape = configSchema.parse(config);
  return {
    style: 'genai',
    dtype,
    quantization: { blockSize, symmetric, accuracyLevel, unpack },
    numLayers: shape.num_hidden_layers,
    hiddenSize: shape.hidden_size,
    numHeads: shape.num_attention_heads,
    numKvHeads: shape.num_key_value_heads,
    headDim: shape.head_dim,
    intermediateSize: shape.intermediate_size,
    vocabSize: shape.vocab_size,
    maxPositions: shape.max_position_embeddings,
    ropeTheta: shape.rope_theta,
    rmsNormEps: shape.rms_norm_eps,
    tiedEmbeddings: shape.tie_word_embeddings,
    rotaryCaches: 'computed',
    externalData: { location: 'model.onnx_data', minBytes: 1024 },
  };
}
