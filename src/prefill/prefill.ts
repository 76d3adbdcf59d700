import { MinferenceError } from '../errors.js';
import type { ExplicitIndex } from '../patterns/explicit-index.js';
import { defined } from '../utils/defined.js';
import type { DecoderParts } from './decoder-parts.js';
import { indexOutputs, readIndices } from './index-feeds.js';
import type { KvCache } from './kv-cache.js';
import { checkLogits, type LogitRows, lastRow } from './logits.js';
import { type ChunkOptions, type NumberedChunk, type PrefillMemory, runChunks } from './run-chunks.js';
import type { PrefillTimings } from './timings.js';

export interface PrefillOptions extends ChunkOptions {
  /** Called after every chunk. */
  onChunk?: (chunk: FinishedChunk) => void;
  /**
   * Give the indices that the heads' patterns led to (decoders opened with `indices: true`, prompts of one chunk). They are
   * built a second time for that.
   */
  giveIndices?: boolean;
  /**
   * Tokens of the prompt that decoding sees per head (decoders opened with `indices: true`): the last 64, and those of the
   * others that SnapKV chooses by the attention of these 64 rows, or of the last chunk's where that is shorter. The cache
   * stays whole.
   */
  snapKv?: number;
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
  /** Asked for with `giveIndices`: [layer][head] of the model's layers, none for those that stay as they are. */
  indices?: ExplicitIndex[][];
  /** What SnapKV keeps of a prompt longer than `snapKv`, in the same form with one row block: generate() sees no more of it. */
  kept?: ExplicitIndex[][];
}

/** Puts a prompt through the graph in chunks. Errors as Decoder.prefill's. */
export async function runPrefill(
  parts: DecoderParts,
  tokens: readonly number[],
  options: PrefillOptions,
  memory?: PrefillMemory,
): Promise<PrefillResult> {
  const { onChunk, giveIndices, snapKv: capacity, ...rest } = options;
  if (giveIndices && capacity !== undefined) throw givesBoth();
  if (giveIndices || capacity !== undefined) checkGives(parts);
  // A prompt that fits is kept whole.
  const snapKv = capacity !== undefined && capacity < tokens.length ? capacity : undefined;
  const outputs = giveIndices || snapKv !== undefined ? indexOutputs(parts) : undefined;
  let logits: Float32Array = new Float32Array();
  let given: ExplicitIndex[][] | undefined;
  const own = defined({ giveIndices, snapKv, memory, outputs });
  const run = await runChunks(parts, tokens, { ...rest, ...own }, async (step, chunk) => {
    onChunk?.({ ...chunk, logits: step.logits });
    if (outputs) given = readIndices(parts, step.outputs);
    if (giveIndices && chunk.count > 1) throw severalChunks(chunk.count);
    if (chunk.index < chunk.count - 1) return;
    logits = lastRow(step.logits);
    checkLogits(logits);
  });
  const result = { tokens: tokens.length, logits, ...run };
  return { ...result, ...defined(giveIndices ? { indices: given } : { kept: given }) };
}

function checkGives({ layers }: DecoderParts): void {
  if (layers.every(({ indices }) => indices !== undefined)) return;
  throw new MinferenceError('USAGE', 'expected a graph with outputs of indices, found one without', {
    hint: 'Open the decoder with indices: true.',
  });
}

const givesBoth = () =>
  new MinferenceError('USAGE', 'expected giveIndices or snapKv, found both', {
    hint: 'Prefill twice, once with each.',
  });

const severalChunks = (count: number) =>
  new MinferenceError('USAGE', `expected a prompt of one chunk to give its indices, found ${count} chunks`, {
    hint: 'Give a shorter prompt or a larger chunk.',
  });
