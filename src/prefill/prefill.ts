import { throwIfAborted } from '../utils/abort.js';
import { defined } from '../utils/defined.js';
import { availableMemory, usedDeviceMemory } from './available-memory.js';
import { checkTokens } from './check-tokens.js';
import { chunkSchedule } from './chunk-schedule.js';
import type { DecoderParts } from './decoder-parts.js';
import { KvCache } from './kv-cache.js';
import { checkLogits, type LogitRows, lastRow } from './logits.js';
import { planMemory } from './memory-guard.js';
import { startOpTimes } from './op-times.js';
import { type LayerPatterns, patternFeeds } from './pattern-feeds.js';
import { peakMemoryBytes, resetPeakMemory } from './peak-memory.js';
import { runStep } from './run-step.js';
import { type ChunkTiming, type PrefillTimings, summarizeTimings } from './timings.js';
import { watchLayers } from './watch-layers.js';

/** Room for the answer that a cache gets when the caller does not say. */
const DEFAULT_NEW_TOKENS = 256;

export interface PrefillOptions {
  /** [layer][head], or dense attention everywhere. */
  patterns: LayerPatterns;
  /** Heads run dense where that is as fast as their pattern: true by default, for speed; false where accuracy counts. */
  allowDense?: boolean;
  /** Tokens per run of the graph; default: the whole prompt where memory allows, else 32,768 or less. */
  chunk?: number;
  /** Tokens that will be generated: room is made for them in the cache (default 256). */
  maxNewTokens?: number;
  /** Stops between chunks, and within one as soon as the runtime can. */
  signal?: AbortSignal;
  /** Called after every chunk. */
  onChunk?: (chunk: FinishedChunk) => void;
  /** Called a few times a second with the tokens done so far: within a chunk, by its share of finished layers. */
  onProgress?: (tokensDone: number) => void;
  /** Bytes that may be used; default: what the machine has available. */
  memoryBytes?: number;
}

export interface FinishedChunk extends ChunkTiming {
  index: number;
  count: number;
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

/** State that one decoder's prefills share. */
export interface PrefillMemory {
  /** Activation memory that the session's allocator is known to hold. */
  reusableBytes: number;
}

/** Puts a prompt through the graph in chunks. Errors as Decoder.prefill's. */
export async function runPrefill(
  parts: DecoderParts,
  tokens: readonly number[],
  options: PrefillOptions,
  memory: PrefillMemory = { reusableBytes: 0 },
): Promise<PrefillResult> {
  const { config } = parts.directory;
  checkTokens(tokens, config);
  throwIfAborted(options.signal);
  const capacity = Math.min(config.contextLength, tokens.length + (options.maxNewTokens ?? DEFAULT_NEW_TOKENS));
  const plan = planMemory(parts, {
    prompt: tokens.length,
    capacity,
    availableBytes: options.memoryBytes ?? (await availableMemory(parts.session)),
    reusableBytes: memory.reusableBytes,
    ...defined({ chunk: options.chunk }),
  });
  const feeds = patternFeeds(parts, options.patterns, defined({ allowDense: options.allowDense }));
  resetPeakMemory();
  // Plain ONNX Runtime runs none of our ops.
  const opTimes = parts.graph === 'original' ? () => null : startOpTimes(parts.session);
  const started = performance.now();
  const cache = KvCache.allocate(parts, capacity);
  try {
    const schedule = chunkSchedule(tokens.length, plan.chunk);
    const chunks: ChunkTiming[] = [];
    let logits: Float32Array = new Float32Array();
    for (const [index, { start, rows }] of schedule.entries()) {
      const chunkStarted = performance.now();
      const layers = parts.layers.length;
      const { onProgress, signal } = options;
      const onLayers = onProgress && ((finished: number) => onProgress(start + (rows * finished) / layers));
      const step = await watchLayers(parts.session, { layers, onLayers }, () =>
        runStep(parts, {
          tokens: start === 0 && rows === tokens.length ? tokens : tokens.slice(start, start + rows),
          cache,
          feeds,
          signal,
        }),
      );
      const timing = { start, rows, ms: performance.now() - chunkStarted };
      chunks.push(timing);
      options.onChunk?.({ ...timing, index, count: schedule.length, logits: step.logits });
      if (index === schedule.length - 1) logits = lastRow(step.logits);
    }
    checkLogits(logits);
    const totalMs = performance.now() - started;
    const ops = opTimes();
    memory.reusableBytes = Math.max(memory.reusableBytes, plan.estimate.activationBytes);
    return {
      tokens: tokens.length,
      logits,
      cache,
      timings: summarizeTimings(chunks, totalMs, ops),
      peakMemoryBytes: parts.session.device === 'cuda' ? usedDeviceMemory(parts.session) : peakMemoryBytes(),
    };
  } catch (error) {
    cache.dispose();
    throw error;
  } finally {
    for (const tensor of Object.values(feeds)) tensor.dispose();
  }
}
