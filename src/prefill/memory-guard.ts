import { MinferenceError } from '../errors.js';
import { formatBytes, formatCount } from '../utils/format.js';
import type { DecoderParts } from './decoder-parts.js';
import { estimateMemory, type MemoryEstimate } from './memory-estimate.js';

/** Chunk when the whole prompt at once does not fit; then halved down to MIN_CHUNK. */
const LARGE_CHUNK = 32_768;
const MIN_CHUNK = 512;
/** Share of the available memory that may be planned with: an estimate is not exact, and others allocate too. */
const USABLE = 0.9;

export interface MemoryPlan {
  /** Tokens of one chunk at most. */
  chunk: number;
  estimate: MemoryEstimate;
}

/**
 * Chooses the chunk: the whole prompt where memory allows, else 32,768 tokens, else less; or checks the one given.
 * Better a refusal with numbers than to be ended by the kernel halfway through.
 *
 * @param options.reusableBytes - activation memory that the session holds from earlier runs
 * @throws MinferenceError OUT_OF_MEMORY
 */
export function planMemory(
  parts: DecoderParts,
  options: { prompt: number; capacity: number; chunk?: number; availableBytes: number; reusableBytes?: number },
): MemoryPlan {
  const { prompt, capacity, availableBytes, reusableBytes = 0 } = options;
  const usable = availableBytes * USABLE;
  const needed = ({ kvCacheBytes, activationBytes }: MemoryEstimate) =>
    kvCacheBytes + Math.max(0, activationBytes - reusableBytes);
  const chunks = options.chunk === undefined ? defaultChunks(prompt) : [Math.min(options.chunk, prompt)];
  for (const chunk of chunks) {
    const estimate = estimateMemory(parts, capacity, chunk);
    if (needed(estimate) <= usable) return { chunk, estimate };
  }
  const smallest = chunks.at(-1)!;
  const { kvCacheBytes, activationBytes } = estimateMemory(parts, capacity, smallest);
  throw new MinferenceError(
    'OUT_OF_MEMORY',
    `expected memory for ${formatCount(prompt)} tokens: ${formatBytes(kvCacheBytes)} for the KV cache and about ` +
      `${formatBytes(activationBytes)} for activations in chunks of ${formatCount(smallest)}, ` +
      `found ${formatBytes(availableBytes)} available`,
    {
      hint:
        options.chunk !== undefined && smallest > MIN_CHUNK
          ? 'Give a smaller --chunk, or none, so that it is chosen by the memory there is; or a shorter prompt.'
          : 'Give a shorter prompt, free memory, or use a model with a smaller KV cache.',
    },
  );
}

function defaultChunks(prompt: number): number[] {
  const chunks = [prompt];
  for (let chunk = LARGE_CHUNK; chunk >= MIN_CHUNK; chunk /= 2) if (chunk < prompt) chunks.push(chunk);
  return chunks;
}
