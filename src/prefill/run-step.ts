import type { Tensor } from '../runtime/tensor.js';
import { throwIfAborted } from '../utils/abort.js';
import { defined } from '../utils/defined.js';
import type { DecoderParts } from './decoder-parts.js';
import type { KvCache } from './kv-cache.js';
import { type LogitRows, readLogits } from './logits.js';

/** One run of the graph over some tokens. */
export interface Step {
  tokens: readonly number[];
  /** Receives the tokens' keys and values. */
  cache: KvCache;
  /** Feeds beyond tokens and cache: patterns, or a probe's candidates. Not freed here. */
  feeds: Record<string, Tensor>;
  /** Further outputs to bring to the host. */
  outputs?: readonly string[];
  signal?: AbortSignal | undefined;
}

export interface StepResult {
  /** Empty for a graph without logits (the probe's). */
  logits: LogitRows;
  /** The outputs asked for; the caller disposes them. */
  outputs: Record<string, Tensor>;
}

/** Runs the graph once and moves the cache forward. @throws MinferenceError ABORTED, RUNTIME_FAILED */
export async function runStep(parts: DecoderParts, step: Step): Promise<StepResult> {
  const { session, io } = parts;
  const { tokens, cache, feeds, outputs = [], signal } = step;
  throwIfAborted(signal);
  const hasLogits = session.outputs.some(({ name }) => name === io.logits);
  const toHost = hasLogits ? [io.logits, ...outputs] : outputs;
  const inputs = [...parts.feedMakers].map(
    ([name, make]) => [name, make({ tokens, past: cache.length, planned: cache.planned })] as const,
  );
  try {
    const results = await session.run(
      { ...Object.fromEntries(inputs), ...cache.feeds(), ...feeds },
      { ...cache.fetches(), ...Object.fromEntries(toHost.map((name) => [name, 'host' as const])) },
      defined({ signal }),
    );
    cache.advance(results, tokens.length);
    using logits = results[io.logits];
    return {
      logits: logits ? await readLogits(logits, parts.logits) : { data: new Float32Array(), rows: 0 },
      outputs: Object.fromEntries(outputs.map((name) => [name, results[name]!])),
    };
  } finally {
    for (const [, tensor] of inputs) tensor.dispose();
  }
}
