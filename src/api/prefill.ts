import { MinferenceError } from '../errors.js';
import { type Patterns, resolvePatterns } from '../patterns/resolve-patterns.js';
import { buildPrompt } from '../prefill/chat.js';
import { Decoder } from '../prefill/decoder.js';
import type { Generation } from '../prefill/generate.js';
import type { FinishedChunk, PrefillResult } from '../prefill/prefill.js';
import type { PrefillTimings } from '../prefill/timings.js';
import { checkOptions } from '../utils/check-options.js';
import { defined } from '../utils/defined.js';
import { prefillPromptSchema } from './options.js';

export type { Patterns } from '../patterns/resolve-patterns.js';

export interface PrefillPromptOptions {
  /** The user's message, put into the model's chat template where it has one; or token ids, used as they are. */
  prompt: string | readonly number[];
  /** Which keys every head computes; `'dense'` by default. A file, or its contents, is checked against the model. */
  patterns?: Patterns;
  /** Take patterns of another export of the model, when the shapes agree. */
  ignoreFingerprint?: boolean;
  /** Most tokens to generate after the prompt; 64 by default. */
  maxNewTokens?: number;
  /** Let heads run dense where that is as fast as their pattern; true by default. */
  allowDense?: boolean;
  /** Tokens per run of the graph; by default the whole prompt where memory allows. */
  chunk?: number;
  /** System message, where the chat template takes one. */
  system?: string;
  /** Use the chat template; by default where there is one. */
  chat?: boolean;
  /** Stops within a chunk as soon as the runtime can. */
  signal?: AbortSignal;
  /** Called after every chunk of the prompt. */
  onChunk?: (chunk: FinishedChunk) => void;
  /** Called a few times a second with the number of prompt tokens done so far. */
  onProgress?: (tokensDone: number) => void;
  /** Called when the prompt is done and the answer begins. */
  onPrefilled?: (prefill: PrefillResult) => void;
  /** Gets the answer piece by piece. */
  onText?: (text: string) => void;
}

export interface PrefillPromptResult {
  /** Prompt tokens. */
  promptTokens: number;
  generation: Generation;
  timings: PrefillTimings;
  /** Of the prompt's last position, float32 [vocabulary]. */
  logits: Float32Array;
  /** Largest resident memory of the process during the prefill, in bytes. */
  peakMemoryBytes: number;
}

/**
 * Puts a prompt through a loaded model with sparse attention and answers it with dense, greedy decoding.
 *
 * @example
 * using model = await loadModel();
 * const { generation } = await prefill(model, { prompt: text, patterns: 'patterns.json', maxNewTokens: 16 });
 * console.log(generation.text);
 *
 * @throws {MinferenceError} USAGE, PROMPT_INVALID, PROMPT_TOO_LONG, PATTERNS_INVALID, PATTERNS_MISMATCH, OUT_OF_MEMORY,
 *   RUNTIME_FAILED, ABORTED
 */
export async function prefill(decoder: Decoder, options: PrefillPromptOptions): Promise<PrefillPromptResult> {
  if (!(decoder instanceof Decoder)) {
    throw new MinferenceError('USAGE', 'expected a loaded model, found another value', {
      hint: 'give what loadModel returns: await loadModel({ model })',
    });
  }
  checkOptions(prefillPromptSchema, options, 'prefill');
  const {
    prompt,
    patterns = 'dense',
    ignoreFingerprint = false,
    maxNewTokens = 64,
    allowDense,
    chunk,
    system,
    chat,
    signal,
    onChunk,
    onProgress,
    onText,
  } = options;
  const { matrix } = await resolvePatterns(patterns, decoder, { ignoreFingerprint });
  const tokens =
    typeof prompt === 'string'
      ? buildPrompt(decoder.tokenizer, prompt, {
          contextLength: decoder.directory.config.contextLength,
          ...defined({ system, chat }),
        })
      : prompt;
  const filled = await decoder.prefill(tokens, {
    patterns: matrix,
    maxNewTokens,
    ...defined({ allowDense, signal, chunk, onChunk, onProgress }),
  });
  using _cache = filled.cache;
  options.onPrefilled?.(filled);
  const generation = await decoder.generate(filled, {
    maxNewTokens,
    ...defined({ signal, onToken: onText && (({ text }: { text: string }) => onText(text)) }),
  });
  const { timings, logits, peakMemoryBytes } = filled;
  return { promptTokens: tokens.length, generation, timings, logits, peakMemoryBytes };
}
