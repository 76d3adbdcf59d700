import { MinferenceError } from '../errors.js';
import { createTokenStream } from '../model/token-stream.js';
import type { TextTokenizer } from '../model/tokenizer.js';
import type { DecoderParts } from './decoder-parts.js';
import { type KeptFeeds, keptFeeds } from './kept-kv.js';
import { argmax, checkLogits, lastRow } from './logits.js';
import { patternFeeds } from './pattern-feeds.js';
import type { PrefillResult } from './prefill.js';
import { disposeAll } from './run-chunks.js';
import { runStep } from './run-step.js';

export interface GenerateOptions {
  /** Most tokens to generate. */
  maxNewTokens: number;
  /** Tokens that end the answer and are not part of it; default: the model's end-of-text and end-of-turn tokens. */
  stopTokenIds?: readonly number[];
  /** Ends the answer early; what there is so far is returned. */
  signal?: AbortSignal;
  /** Called for every token with the text that it completes (maybe none yet). */
  onToken?: (token: { id: number; text: string; index: number }) => void;
}

export interface Generation {
  /** Without the stop token. */
  tokens: number[];
  text: string;
  /** Time of the decode steps; the first token comes out of the prefill. */
  decodeMs: number;
  /**
   * `'length'`: as many tokens as were asked for; `'context'`: the model has no more positions; `'failure'`: a step failed,
   * and what there was before it is kept.
   */
  stopped: 'eos' | 'length' | 'context' | 'signal' | 'failure';
  /** Why a step failed. */
  failure: MinferenceError | null;
}

/**
 * Greedy decoding after a prefill, which may be used again afterwards: with dense attention, or what the prefill says is
 * kept.
 */
export async function runGenerate(
  parts: DecoderParts,
  tokenizer: TextTokenizer,
  prefill: PrefillResult,
  options: GenerateOptions,
): Promise<Generation> {
  const { config } = parts.directory;
  const { maxNewTokens, signal, onToken } = options;
  const modelEnds = config.eosTokenIds.length > 0 ? config.eosTokenIds : tokenizer.eosTokenIds;
  const ends = new Set(options.stopTokenIds ?? modelEnds);
  const stream = createTokenStream(tokenizer);
  const tokens: number[] = [];
  let text = '';
  let stopped: Generation['stopped'] = 'length';
  let failure: Generation['failure'] = null;

  checkTables(parts, prefill, maxNewTokens);
  using feeds = prefill.kept ? keptFeeds(parts, prefill.kept, prefill.tokens) : denseFeeds(parts);
  const cache = await prefill.cache.fork();
  const started = performance.now();
  try {
    let logits = prefill.logits;
    while (tokens.length < maxNewTokens) {
      if (signal?.aborted) {
        stopped = 'signal';
        break;
      }
      const id = argmax(logits);
      if (ends.has(id)) {
        stopped = 'eos';
        break;
      }
      const piece = stream.push(id);
      text += piece;
      tokens.push(id);
      onToken?.({ id, text: piece, index: tokens.length - 1 });
      if (tokens.length === maxNewTokens) break;
      if (cache.length >= config.contextLength) {
        stopped = 'context';
        break;
      }
      try {
        await cache.reserve(1);
        // A step is short: a stop waits for it, and the answer so far is kept.
        logits = lastRow((await runStep(parts, { tokens: [id], cache, feeds: feeds.at(cache.length) })).logits);
        checkLogits(logits);
      } catch (error) {
        if (!(error instanceof MinferenceError)) throw error;
        [stopped, failure] = ['failure', error];
        break;
      }
    }
    return { tokens, text: text + stream.end(), decodeMs: performance.now() - started, stopped, failure };
  } finally {
    cache.dispose();
  }
}

function denseFeeds(parts: DecoderParts): KeptFeeds {
  const feeds = patternFeeds(parts, 'dense');
  return { at: () => feeds, [Symbol.dispose]: () => disposeAll(feeds) };
}

/** Keys that were rotated with the short tables do not go with later ones of the long tables. */
function checkTables(
  { tableSwitch, directory }: DecoderParts,
  { tokens, cache }: PrefillResult,
  maxNewTokens: number,
): void {
  const end = Math.min(directory.config.contextLength, tokens + maxNewTokens);
  if (tableSwitch === null || cache.planned > tableSwitch || end <= tableSwitch) return;
  throw new MinferenceError(
    'USAGE',
    `expected an answer that ends by token ${tableSwitch}, where the model's angles change and for which the prompt was ` +
      `prefilled, found one that may go up to token ${end}`,
    { hint: `Prefill with maxNewTokens: ${maxNewTokens}, or generate ${tableSwitch - tokens} tokens or fewer.` },
  );
}
