import type { OpTimes } from './op-times.js';

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
  /**
   * Tiles that attention computed, as a share of the causal ones of dense attention: 1 when every head was dense. Null as
   * above.
   */
  computed: number | null;
  chunks: ChunkTiming[];
}

export interface ChunkTiming {
  start: number;
  rows: number;
  ms: number;
}

/** Sums up chunks and what the ops measured meanwhile. */
export function summarizeTimings(chunks: ChunkTiming[], totalMs: number, ops: OpTimes | null): PrefillTimings {
  const tokens = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  return {
    totalMs,
    tokensPerSecond: (tokens / totalMs) * 1000,
    indexMs: ops?.indexMs ?? null,
    attentionMs: ops?.attentionMs ?? null,
    restMs: ops ? Math.max(0, totalMs - ops.indexMs - ops.attentionMs) : null,
    computed: ops?.computed ?? null,
    chunks,
  };
}
