import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { aborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { METRICS } from '../metrics/metrics.js';
import type { EvalTask } from '../task.js';
import type { EvalDecoder } from './eval-decoder.js';
import type { KvChoice } from './kv-choice.js';
import type { EvalPrompt } from './prompt-maker.js';
import type { Answer } from './results.js';

export interface AnswerOptions {
  task: EvalTask;
  patterns: LayerPatterns;
  /** Method and patterns, as results name them. */
  identity: Pick<Answer, 'method' | 'patterns_sha256'>;
  chunk: number | null;
  /** Heads may run dense where that is as fast: then the answer says less about the method. */
  allowDense: boolean;
  /** What decoding sees of the prompt; default: all. */
  kv?: KvChoice | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Prefills one prompt with one method's patterns, decodes greedily and scores the answer.
 *
 * @throws {MinferenceError} as Decoder.prefill; ABORTED when the answer was cut short
 */
export async function answerPrompt(decoder: EvalDecoder, prompt: EvalPrompt, options: AnswerOptions): Promise<Answer> {
  const { task, signal, patterns, chunk, allowDense, kv } = options;
  const { maxNewTokens, metric } = task;
  const stop = defined({ signal });
  const prefill = await decoder.prefill(prompt.tokens, {
    patterns,
    allowDense,
    maxNewTokens,
    ...defined({ chunk: chunk ?? undefined, snapKv: kv?.capacity }),
    ...stop,
  });
  using _cache = prefill.cache;
  const { text, tokens, decodeMs, stopped, failure } = await decoder.generate(prefill, { maxNewTokens, ...stop });
  if (failure) throw failure;
  if (stopped === 'signal' || stopped === 'failure') throw aborted(signal);
  const { totalMs, indexMs, attentionMs, computed } = prefill.timings;
  return {
    ...options.identity,
    prediction: text,
    score: METRICS[metric](text, prompt.references),
    new_tokens: tokens.length,
    stopped,
    computed: computed === null ? null : Number(computed.toPrecision(6)),
    prefill_ms: rounded(totalMs),
    index_ms: indexMs === null ? null : rounded(indexMs),
    attention_ms: attentionMs === null ? null : rounded(attentionMs),
    decode_ms: rounded(decodeMs),
  };
}

/** Microseconds. */
const rounded = (ms: number) => Math.round(ms * 1000) / 1000;
