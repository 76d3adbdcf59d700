import type { Decoder } from '../../prefill/decoder.js';
import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { defined } from '../../utils/defined.js';
import type { Measurement } from './results.js';
import type { Window } from './windows.js';

export interface MeasureOptions {
  windows: readonly Window[];
  patterns: LayerPatterns;
  /** What the tokenizer puts before a text: before every window, too. */
  prefix: readonly number[];
  chunk: number | null;
  /** Heads may run dense where that is as fast: then the loss says less about the method. */
  allowDense: boolean;
  signal: AbortSignal | undefined;
}

/**
 * The loss of a document's tokens, each given all that its window has before it, by one prefill a window.
 *
 * @throws {MinferenceError} as Decoder.likelihood
 */
export async function measureDocument(
  decoder: Pick<Decoder, 'likelihood'>,
  ids: Int32Array,
  { windows, patterns, prefix, chunk, allowDense, signal }: MeasureOptions,
): Promise<Measurement> {
  let loss = 0;
  let tokens = 0;
  const times = { prefill: 0, index: 0, attention: 0, computed: 0, read: 0 };
  for (const { start, end, scored } of windows) {
    // A window in the middle of a text begins as a text does: without BOS, some models predict nothing.
    const read = start === 0 ? [...ids.subarray(0, end)] : [...prefix, ...ids.subarray(start + prefix.length, end)];
    const run = await decoder.likelihood(read, {
      patterns,
      allowDense,
      ...defined({ chunk: chunk ?? undefined, signal }),
    });
    for (const value of run.loss.subarray(run.loss.length - scored)) loss += value;
    tokens += scored;
    const { totalMs, indexMs, attentionMs, computed } = run.timings;
    times.prefill += totalMs;
    times.index += indexMs ?? Number.NaN;
    times.attention += attentionMs ?? Number.NaN;
    // Attention of a window costs about the square of its length.
    times.computed += (computed ?? Number.NaN) * read.length ** 2;
    times.read += read.length ** 2;
  }
  return {
    loss,
    tokens,
    windows: windows.length,
    computed: measured(times.computed / times.read),
    prefill_ms: rounded(times.prefill),
    index_ms: measured(times.index),
    attention_ms: measured(times.attention),
  };
}

/** Microseconds. */
const rounded = (value: number) => Math.round(value * 1000) / 1000;
const measured = (value: number) => (Number.isNaN(value) ? null : rounded(value));
