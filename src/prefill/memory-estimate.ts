import type { DecoderParts } from './decoder-parts.js';
import { kvCacheBytes } from './kv-cache.js';

/**
 * Live float32 activations per token in units of each width, where a run needs the most: in the MLP the two projections
 * and their product beside the residual stream and its norms; in attention q, k, v and their rotated copies.
 */
const LIVE = { hidden: 4, intermediate: 3, qkv: 2 };
const FLOAT_BYTES = 4;
/** Allocators round up and keep fragments. */
const ALLOCATOR_SLACK = 1.2;

export interface MemoryEstimate {
  kvCacheBytes: number;
  activationBytes: number;
}

/**
 * What a prefill allocates beyond the loaded model.
 *
 * @param tokens - rows of the KV cache
 * @param rows - rows of the largest chunk
 */
export function estimateMemory(parts: DecoderParts, tokens: number, rows: number): MemoryEstimate {
  const cache = kvCacheBytes(parts, tokens);
  return {
    // A present that is not the past's buffer exists beside it for the time of a run.
    kvCacheBytes: parts.sharedKvCache ? cache : 2 * cache,
    activationBytes: Math.ceil(ALLOCATOR_SLACK * (rowBytes(parts) * rows + scoreBytes(parts, tokens, rows))),
  };
}

function rowBytes({ directory: { config }, layers, io, logits: wanted }: DecoderParts): number {
  const hidden = config.hiddenSize ?? config.numHeads * config.headDim;
  const intermediate = config.intermediateSize ?? 4 * hidden;
  const qkv = Math.max(...layers.map((layer) => (layer.numHeads + 2 * layer.numKvHeads) * layer.headDim));
  const mlp = LIVE.hidden * hidden + LIVE.intermediate * intermediate;
  const attention = LIVE.hidden * hidden + LIVE.qkv * qkv;
  // The graph's output, and the copy that the caller gets.
  const logits = io.logitsRows === 'all' ? (wanted === 'all' ? 2 : 1) * config.vocabSize : 0;
  return FLOAT_BYTES * (Math.max(mlp, attention) + logits);
}

/**
 * Copies of a layer's scores [heads, rows, keys] that plain ONNX Runtime holds at once. Its GroupQueryAttention works in
 * tiles (seen with 1.29); the others may not, and decomposed attention has scores, mask and softmax as tensors.
 */
const SCORE_COPIES = { GroupQueryAttention: 0, MultiHeadAttention: 1, Attention: 2, decomposed: 3 } as const;

function scoreBytes({ graph, layers }: DecoderParts, tokens: number, rows: number): number {
  if (graph !== 'original') return 0;
  return (
    FLOAT_BYTES * Math.max(...layers.map(({ source, numHeads }) => SCORE_COPIES[source] * numHeads)) * rows * tokens
  );
}
