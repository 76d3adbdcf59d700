import { checkOptions } from '../utils/check-options.js';
import { defined } from '../utils/defined.js';
import type { Decoder } from './decoder.js';
import type { Generation } from './generate.js';
import { argmax, klDivergence } from './logits.js';
import { compareSchema } from './options.js';
import type { LayerPatterns } from './pattern-feeds.js';
import type { PrefillResult } from './prefill.js';

export interface CompareOptions {
  /** The patterns to compare with dense attention. */
  patterns: LayerPatterns;
  maxNewTokens: number;
  /** Let heads run dense where that is as fast as their pattern; true by default. */
  allowDense?: boolean;
  chunk?: number;
  signal?: AbortSignal;
  /** Called when one of the two prefills starts (0), and a few times a second with the tokens it has done. */
  onProgress?: (run: 'sparse' | 'dense', tokensDone: number) => void;
}

/** One of the two runs. */
export interface ComparedRun extends Pick<PrefillResult, 'logits' | 'timings' | 'peakMemoryBytes'> {
  generation: Generation;
}

export interface Comparison {
  sparse: ComparedRun;
  dense: ComparedRun;
  /** Dense prefill time over sparse prefill time. */
  speedup: number;
  /** KL(dense ‖ sparse) of the last position's softmax, in nats. */
  kl: number;
  /** Both choose the same first token. */
  top1Agrees: boolean;
  /** Both answers are the same text. */
  sameText: boolean;
}

/** Tokens of the run that is not counted: the first run of a session sets up buffers and threads. */
const WARM_UP_TOKENS = 128;

/**
 * Runs a prompt with the patterns and with dense attention in the same session. The sparse run goes first, so that
 * memory which the session grows for the prompt is paid by it and not by dense attention.
 */
export async function compareWithDense(
  decoder: Decoder,
  tokens: readonly number[],
  options: CompareOptions,
): Promise<Comparison> {
  checkOptions(compareSchema, options, 'compareWithDense');
  const warmUp = await decoder.prefill(tokens.slice(0, WARM_UP_TOKENS), {
    patterns: 'dense',
    maxNewTokens: 0,
    ...defined({ signal: options.signal }),
  });
  warmUp.cache.dispose();
  const sparse = await run(decoder, tokens, 'sparse', options);
  const dense = await run(decoder, tokens, 'dense', options);
  return {
    sparse,
    dense,
    speedup: dense.timings.totalMs / sparse.timings.totalMs,
    kl: klDivergence(dense.logits, sparse.logits),
    top1Agrees: argmax(dense.logits) === argmax(sparse.logits),
    sameText: dense.generation.text === sparse.generation.text,
  };
}

async function run(
  decoder: Decoder,
  tokens: readonly number[],
  which: 'sparse' | 'dense',
  { patterns, maxNewTokens, allowDense, chunk, signal, onProgress }: CompareOptions,
): Promise<ComparedRun> {
  onProgress?.(which, 0);
  const common = defined({ signal });
  const { cache, ...prefill } = await decoder.prefill(tokens, {
    patterns: which === 'dense' ? 'dense' : patterns,
    maxNewTokens,
    ...common,
    ...defined({ allowDense, chunk, onProgress: onProgress && ((done: number) => onProgress(which, done)) }),
  });
  using _ = cache;
  const generation = await decoder.generate({ ...prefill, cache }, { maxNewTokens, ...common });
  return { logits: prefill.logits, timings: prefill.timings, peakMemoryBytes: prefill.peakMemoryBytes, generation };
}
