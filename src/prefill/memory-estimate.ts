import { stepRowsFor } from '../onnx/rewrite/next-token-loss.js';
import type { DecoderParts } from './decoder-parts.js';
import { carriedBytes } from './kv-cache.js';

/**
 * Live float32 activations per token in units of each width, where a run needs the most: in the MLP the two projections
 * and their product beside the residual stream and its norms; in attention q, k, v and their rotated copies.
 */
const LIVE = { hidden: 4, intermediate: 3, qkv: 2 };
const FLOAT_BYTES = 4;
/** Allocators round up and keep fragments. */
const ALLOCATOR_SLACK = 1.2;

export interface MemoryEstimate {
  /** Keys, values and other states that runs hand on. */
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
  return {
    kvCacheBytes: carriedBytes(parts.states, tokens),
    activationBytes: Math.ceil(
      ALLOCATOR_SLACK * (rowBytes(parts) * rows + scoreBytes(parts, tokens, rows) + stepBytes(parts, rows)),
    ),
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

/** Logits, their float32 copy and their log-softmax, of the few rows that are scored at a time. */
const STEP_COPIES = 3;

function stepBytes({ graph, directory: { config } }: DecoderParts, rows: number): number {
  if (graph !== 'likelihood') return 0;
  return FLOAT_BYTES * STEP_COPIES * Math.min(rows, stepRowsFor(config.vocabSize)) * config.vocabSize;
}

/**
 * Copies of a layer's scores [heads, rows, keys] that ONNX Runtime's own ops hold at once. Its GroupQueryAttention works in
 * tiles (seen with 1.29); the others may not, and decomposed attention has scores, mask and softmax as tensors.
 */
const SCORE_COPIES: Record<string, number> = { MultiHeadAttention: 1, Attention: 2, decomposed: 3, Softmax: 3 };

/** Of the layers that ONNX Runtime computes: all in the original graph, else those that were left alone. */
function scoreBytes({ graph, layers, leftAlone }: DecoderParts, tokens: number, rows: number): number {
  const ours = graph === 'original' ? layers.map(({ source, numHeads }) => [source, numHeads] as const) : [];
  const others = leftAlone.map(({ opType, numHeads }) => [opType ?? '', numHeads] as const);
  const copies = [...ours, ...others].map(([op, heads]) => (SCORE_COPIES[op] ?? 0) * heads);
  return FLOAT_BYTES * Math.max(0, ...copies) * rows * tokens;
}
