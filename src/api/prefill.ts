import type { HeadPattern } from '../patterns/head-pattern.js';
import { loadPatterns } from '../patterns/load-patterns.js';
import type { PatternFile } from '../patterns/pattern-file.js';
import { patternMatrix } from '../patterns/to-matrix.js';
import { buildPrompt } from '../prefill/chat.js';
import type { Decoder } from '../prefill/decoder.js';
import type { Generation } from '../prefill/generate.js';
import type { FinishedChunk, PrefillResult } from '../prefill/prefill.js';
import type { PrefillTimings } from '../prefill/timings.js';

/** `'dense'`, the path of a pattern file, its contents, or the patterns themselves as [layer][head]. */
export type Patterns = 'dense' | (string & {}) | PatternFile | readonly (readonly HeadPattern[])[];

export interface PrefillPromptOptions {
  /** The user's message, put into the model's chat template where it has one; or token ids, used as they are. */
  prompt: string | readonly number[];
  /** Which keys every head computes; `'dense'` by default. A file is checked against the model. */
  patterns?: Patterns;
  /** Most tokens to generate after the prompt; 64 by default. */
  maxNewTokens?: number;
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

/** Reads and checks what `patterns` stands for. */
async function resolvePatterns(patterns: Patterns, decoder: Decoder) {
  if (patterns === 'dense') return 'dense';
  if (typeof patterns === 'string') return patternMatrix(await loadPatterns(patterns, decoder));
  return 'layers' in patterns ? patternMatrix(patterns) : patterns;
}

/**
 * Puts a prompt through a loaded model with sparse attention and answers it with dense, greedy decoding.
 *
 * @example
 * using model = await loadModel();
 * const { generation } = await prefill(model, { prompt: text, patterns: 'patterns.json', maxNewTokens: 16 });
 * console.log(generation.text);
 *
 * @throws {MinferenceError} PROMPT_INVALID, PROMPT_TOO_LONG, PATTERNS_INVALID, PATTERNS_MISMATCH, OUT_OF_MEMORY,
 *   RUNTIME_FAILED, ABORTED
 */
export async function prefill(decoder: Decoder, options: PrefillPromptOptions): Promise<PrefillPromptResult> {
  const {
    prompt,
    patterns = 'dense',
    maxNewTokens = 64,
    chunk,
    system,
    chat,
    signal,
    onChunk,
    onProgress,
    onText,
  } = options;
  const matrix = await resolvePatterns(patterns, decoder);
  const tokens =
    typeof prompt === 'string'
      ? buildPrompt(decoder.tokenizer, prompt, {
          contextLength: decoder.directory.config.contextLength,
          ...(system === undefined ? {} : { system }),
          ...(chat === undefined ? {} : { chat }),
        })
      : prompt;
  const filled = await decoder.prefill(tokens, {
    patterns: matrix,
    maxNewTokens,
    ...(signal ? { signal } : {}),
    ...(chunk === undefined ? {} : { chunk }),
    ...(onChunk ? { onChunk } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  using _cache = filled.cache;
  options.onPrefilled?.(filled);
  const generation = await decoder.generate(filled, {
    maxNewTokens,
    ...(signal ? { signal } : {}),
    ...(onText ? { onToken: ({ text }) => onText(text) } : {}),
  });
  const { timings, logits, peakMemoryBytes } = filled;
  return { promptTokens: tokens.length, generation, timings, logits, peakMemoryBytes };
}
