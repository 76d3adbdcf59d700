import type { ComparedRun } from '../../../prefill/compare.js';
import type { Decoder } from '../../../prefill/decoder.js';
import type { LayerPatterns } from '../../../prefill/pattern-feeds.js';
import { formatCount, formatDuration } from '../../../utils/format.js';
import type { ProgressReporter } from '../../../utils/progress.js';

export interface AnswerOptions {
  patterns: LayerPatterns;
  chunk?: number;
  maxNewTokens: number;
  progress: ProgressReporter;
  signal: AbortSignal;
  /** Gets the answer piece by piece. */
  onText?: (text: string) => void;
}

/** Prefills a prompt and generates the answer once. */
export async function answer(
  decoder: Decoder,
  prompt: readonly number[],
  options: AnswerOptions,
): Promise<ComparedRun> {
  const { patterns, chunk, maxNewTokens, progress, signal, onText } = options;
  const task = progress.start({ label: 'Prefill', total: prompt.length, unit: 'tokens' });
  const { cache, ...prefill } = await decoder.prefill(prompt, {
    patterns,
    maxNewTokens,
    signal,
    ...(chunk === undefined ? {} : { chunk }),
    onChunk: ({ start, rows }) => task.update(start + rows),
  });
  using _ = cache;
  const { totalMs, tokensPerSecond } = prefill.timings;
  const speed = `${formatCount(tokensPerSecond)} tokens/s`;
  task.finish(`Prefill: ${formatCount(prompt.length)} tokens in ${formatDuration(totalMs)}, ${speed}`);
  const generation = await decoder.generate(
    { ...prefill, cache },
    { maxNewTokens, signal, ...(onText ? { onToken: ({ text }) => onText(text) } : {}) },
  );
  return { ...prefill, generation };
}
