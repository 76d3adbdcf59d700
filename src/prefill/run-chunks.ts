import type { Tensor } from '../runtime/tensor.js';
import { throwIfAborted } from '../utils/abort.js';
import { defined } from '../utils/defined.js';
import { availableMemory, usedDeviceMemory } from './available-memory.js';
import { checkTokens } from './check-tokens.js';
import { type Chunk, chunkSchedule } from './chunk-schedule.js';
import type { DecoderParts } from './decoder-parts.js';
import { indexFeeds } from './index-feeds.js';
import { KvCache } from './kv-cache.js';
import { planMemory } from './memory-guard.js';
import { startOpTimes } from './op-times.js';
import { type LayerPatterns, patternFeeds } from './pattern-feeds.js';
import { peakMemoryBytes, resetPeakMemory } from './peak-memory.js';
import { runStep, type StepResult } from './run-step.js';
import { type ChunkTiming, type PrefillTimings, summarizeTimings } from './timings.js';
import { watchLayers } from './watch-layers.js';

/** Room for the answer that a cache gets when the caller does not say. */
const DEFAULT_NEW_TOKENS = 256;

export interface ChunkOptions {
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
  /** Called a few times a second with the tokens done so far: within a chunk, by its share of finished layers. */
  onProgress?: (tokensDone: number) => void;
  /** Bytes that may be used; default: what the machine has available. */
  memoryBytes?: number;
}

/** State that one decoder's prefills share. */
export interface PrefillMemory {
  /** Activation memory that the session's allocator is known to hold. */
  reusableBytes: number;
}

export interface NumberedChunk extends ChunkTiming {
  index: number;
  count: number;
}

/** What a run needs besides tokens, cache and patterns, and what it gives besides logits. */
interface ChunkExtras {
  memory?: PrefillMemory;
  /** Further inputs of a chunk; freed here. */
  feeds?: (chunk: Chunk) => Record<string, Tensor>;
  /** Fill the outputs of indices, in graphs that have them. */
  giveIndices?: boolean;
  /** Fill them in the last chunk with what SnapKV keeps instead, up to so many tokens per head. */
  snapKv?: number;
  /** Outputs to bring to the host; `onStep` disposes them. */
  outputs?: readonly string[];
}

export interface ChunkedRun {
  /** The prompt's keys and values; the caller disposes it. */
  cache: KvCache;
  timings: PrefillTimings;
  peakMemoryBytes: number;
}

/**
 * Puts a prompt through the graph in chunks, as many tokens at once as memory allows.
 *
 * @param onStep gets what every chunk gave, in order
 * @throws MinferenceError PROMPT_INVALID, PROMPT_TOO_LONG, PATTERNS_*, OUT_OF_MEMORY, RUNTIME_FAILED, ABORTED
 */
export async function runChunks(
  parts: DecoderParts,
  tokens: readonly number[],
  options: ChunkOptions & ChunkExtras,
  onStep: (step: StepResult, chunk: NumberedChunk) => Promise<void>,
): Promise<ChunkedRun> {
  const { config } = parts.directory;
  const { onProgress, signal, memory = { reusableBytes: 0 }, outputs } = options;
  checkTokens(tokens, config);
  throwIfAborted(signal);
  const capacity = Math.min(config.contextLength, tokens.length + (options.maxNewTokens ?? DEFAULT_NEW_TOKENS));
  const plan = planMemory(parts, {
    prompt: tokens.length,
    capacity,
    availableBytes: options.memoryBytes ?? (await availableMemory(parts.session)),
    reusableBytes: memory.reusableBytes,
    ...defined({ chunk: options.chunk }),
  });
  const { allowDense, giveIndices, snapKv } = options;
  const feeds = patternFeeds(parts, options.patterns, defined({ allowDense, giveIndices }));
  const lastFeeds =
    snapKv === undefined ? feeds : patternFeeds(parts, options.patterns, { snapKv, ...defined({ allowDense }) });
  resetPeakMemory();
  // Plain ONNX Runtime runs none of our ops.
  const opTimes = parts.graph === 'original' ? () => null : startOpTimes(parts.session);
  const started = performance.now();
  const cache = KvCache.allocate(parts, capacity);
  try {
    const explicit = indexFeeds(parts, options.patterns, tokens.length);
    const schedule = chunkSchedule(tokens.length, plan.chunk);
    const chunks: ChunkTiming[] = [];
    for (const [index, { start, rows }] of schedule.entries()) {
      const chunkStarted = performance.now();
      const layers = parts.layers.length;
      const onLayers = onProgress && ((finished: number) => onProgress(start + (rows * finished) / layers));
      const own = { ...explicit?.({ start, rows }), ...options.feeds?.({ start, rows }) };
      const step = await watchLayers(parts.session, { layers, onLayers }, () =>
        runStep(parts, {
          tokens: start === 0 && rows === tokens.length ? tokens : tokens.slice(start, start + rows),
          cache,
          feeds: { ...(index === schedule.length - 1 ? lastFeeds : feeds), ...own },
          signal,
          ...defined({ outputs }),
        }),
      ).finally(() => disposeAll(own));
      const timing = { start, rows, ms: performance.now() - chunkStarted };
      chunks.push(timing);
      await onStep(step, { ...timing, index, count: schedule.length });
    }
    const totalMs = performance.now() - started;
    const ops = opTimes();
    memory.reusableBytes = Math.max(memory.reusableBytes, plan.estimate.activationBytes);
    return {
      cache,
      timings: summarizeTimings(chunks, totalMs, ops),
      peakMemoryBytes: parts.session.device === 'cuda' ? usedDeviceMemory(parts.session) : peakMemoryBytes(),
    };
  } catch (error) {
    cache.dispose();
    throw error;
  } finally {
    disposeAll(feeds);
    if (lastFeeds !== feeds) disposeAll(lastFeeds);
  }
}

export function disposeAll(tensors: Record<string, Tensor>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
