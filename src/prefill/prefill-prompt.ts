import { buildPrompt } from './chat.js';
import { Decoder, type DecoderOptions } from './decoder.js';
import type { GenerateOptions, Generation } from './generate.js';
import type { LayerPatterns } from './pattern-feeds.js';
import type { FinishedChunk, PrefillResult } from './prefill.js';
import { resolvePatterns } from './resolve-patterns.js';

const DEFAULT_NEW_TOKENS = 64;

export interface PrefillPromptOptions extends Omit<DecoderOptions, 'graph' | 'logits'> {
  /** The user's text. */
  prompt: string;
  /** System message; needs a chat template. */
  system?: string;
  /** Give the text to the model as it is, without its chat template. */
  raw?: boolean;
  /** Beginning of the answer. */
  answerPrefix?: string;
  /**
   * A pattern file's path, patterns as [layer][head], `'dense'`, or `'auto'` (default): the file that comes with this
   * package for exactly this model, else dense.
   */
  patterns?: string | LayerPatterns;
  /** Use a pattern file that was made for another export of the model, when the shapes agree. */
  ignoreFingerprint?: boolean;
  /** Most tokens to generate (default 64). */
  maxNewTokens?: number;
  /** Tokens per run of the graph; default: the whole prompt where memory allows, else 32,768 or less. */
  chunk?: number;
  /** An open decoder to use instead of loading `model`; it stays open. */
  decoder?: Decoder;
  onChunk?: (chunk: FinishedChunk) => void;
  onToken?: GenerateOptions['onToken'];
}

/** Milliseconds until the first token, by cause, and after it. */
export interface PromptTimings {
  /** 0 with a decoder that was open already. */
  loadMs: number;
  tokeniseMs: number;
  /** Building sparse indices; null where the graph has none of our ops. */
  indexMs: number | null;
  attentionMs: number | null;
  /** The prefill without the two above. */
  restMs: number | null;
  prefillMs: number;
  /** Tokenise and prefill: what a loaded model takes to its first token. */
  timeToFirstTokenMs: number;
  decodeMs: number;
}

export interface PrefillPromptResult {
  text: string;
  /** Generated tokens. */
  tokens: number[];
  stopped: Generation['stopped'];
  promptTokens: number;
  /** Path of the pattern file, `'given'` or `'dense'`. */
  patterns: string;
  timings: PromptTimings;
  /** Prompt tokens per second of the prefill. */
  tokensPerSecond: number;
  chunks: PrefillResult['timings']['chunks'];
  peakMemoryBytes: number;
}

/**
 * Answers one prompt: loads the model, prefills with the patterns, decodes greedily.
 *
 * @throws MinferenceError as Decoder.open and Decoder.prefill; PATTERNS_*; PROMPT_*
 */
export async function prefill(options: PrefillPromptOptions): Promise<PrefillPromptResult> {
  if (options.decoder) return answer(options.decoder, options, 0);
  using decoder = await Decoder.open(options);
  return await answer(decoder, options, decoder.loadMs);
}

async function answer(decoder: Decoder, options: PrefillPromptOptions, loadMs: number): Promise<PrefillPromptResult> {
  const { maxNewTokens = DEFAULT_NEW_TOKENS, chunk, signal, onChunk, onToken, ignoreFingerprint = false } = options;
  const stop = signal ? { signal } : {};
  const { patterns, name } = await resolvePatterns(decoder, options.patterns, { ignoreFingerprint });
  const { tokens, tokeniseMs } = tokenise(decoder, options);
  const result = await decoder.prefill(tokens, {
    patterns,
    maxNewTokens,
    ...stop,
    ...(chunk === undefined ? {} : { chunk }),
    ...(onChunk ? { onChunk } : {}),
  });
  using _ = result.cache;
  const generation = await decoder.generate(result, { maxNewTokens, ...stop, ...(onToken ? { onToken } : {}) });
  const { totalMs, tokensPerSecond, chunks, ...split } = result.timings;
  return {
    text: generation.text,
    tokens: generation.tokens,
    stopped: generation.stopped,
    promptTokens: tokens.length,
    patterns: name,
    timings: {
      loadMs,
      tokeniseMs,
      ...split,
      prefillMs: totalMs,
      timeToFirstTokenMs: tokeniseMs + totalMs,
      decodeMs: generation.decodeMs,
    },
    tokensPerSecond,
    chunks,
    peakMemoryBytes: result.peakMemoryBytes,
  };
}

function tokenise(decoder: Decoder, { prompt, system, raw, answerPrefix }: PrefillPromptOptions) {
  const started = performance.now();
  const tokens = buildPrompt(decoder.tokenizer, prompt, {
    contextLength: decoder.directory.config.contextLength,
    ...(raw ? { chat: false } : {}),
    ...(system === undefined ? {} : { system }),
    ...(answerPrefix === undefined ? {} : { answerPrefix }),
  });
  return { tokens, tokeniseMs: performance.now() - started };
}
