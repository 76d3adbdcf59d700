/** Where the time of a prefill went, in milliseconds. */
export interface PrefillTimings {
  /** From the tokens to the last position's logits and the filled cache. */
  totalMs: number;
  /** Prompt tokens per second of totalMs. */
  tokensPerSecond: number;
  /** Building the sparse indices, as the ops measured it; null on the original graph, which has none of our ops. */
  indexMs: number | null;
  /** Attention itself (rotary embedding, cache write and sparse or dense attention); null as above. */
  attentionMs: number | null;
  /** Everything else: projections, MLPs, norms, the LM head, copies. */
  restMs: number | null;
  chunks: ChunkTiming[];
}

export interface ChunkTiming {
  start: number;
  rows: number;
  ms: number;
}

/** Sums up chunks and what the ops measured meanwhile. */
export function summarizeTimings(
  chunks: ChunkTiming[],
  totalMs: number,
  ops: { indexMs: number; attentionMs: number } | null,
): PrefillTimings {
  const tokens = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  return {
    totalMs,
    tokensPerSecond: (tokens / totalMs) * 1000,
    indexMs: ops?.indexMs ?? null,
    attentionMs: ops?.attentionMs ?? null,
    restMs: ops ? Math.max(0, totalMs - ops.indexMs - ops.attentionMs) : null,
    chunks,
  };
}
