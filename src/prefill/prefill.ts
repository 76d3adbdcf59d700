import { defined } from '../utils/defined.js';
import type { DecoderParts } from './decoder-parts.js';
import type { KvCache } from './kv-cache.js';
import { checkLogits, type LogitRows, lastRow } from './logits.js';
import { type ChunkOptions, type NumberedChunk, type PrefillMemory, runChunks } from './run-chunks.js';
import type { PrefillTimings } from './timings.js';

export interface PrefillOptions extends ChunkOptions {
  /** Called after every chunk. */
  onChunk?: (chunk: FinishedChunk) => void;
}

export interface FinishedChunk extends NumberedChunk {
  /** Logits of the chunk's last position, or of all its rows when the decoder was opened with logits: 'all'. */
  logits: LogitRows;
}

export interface PrefillResult {
  /** Prompt tokens. */
  tokens: number;
  /** Logits of the last position, float32 [vocabulary]. */
  logits: Float32Array;
  /** The prompt's keys and values; the caller disposes it. */
  cache: KvCache;
  timings: PrefillTimings;
  /**
   * Largest resident memory of the process during the prefill, weights included; on a GPU, the device memory in use at
   * its end, which is its peak, as ONNX Runtime's arena does not shrink.
   */
  peakMemoryBytes: number;
}

/** Puts a prompt through the graph in chunks. Errors as Decoder.prefill's. */
export async function runPrefill(
  parts: DecoderParts,
  tokens: readonly number[],
  options: PrefillOptions,
  memory?: PrefillMemory,
): Promise<PrefillResult> {
  const { onChunk } = options;
  let logits: Float32Array = new Float32Array();
  const run = await runChunks(parts, tokens, { ...options, ...defined({ memory }) }, async (step, chunk) => {
    onChunk?.({ ...chunk, logits: step.logits });
    if (chunk.index < chunk.count - 1) return;
    logits = lastRow(step.logits);
    checkLogits(logits);
  });
  return { tokens: tokens.length, logits, ...run };
}
