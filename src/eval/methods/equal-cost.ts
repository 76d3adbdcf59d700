import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { mean } from '../../utils/statistics.js';
import { type MethodName, methodKind } from './catalog.js';
import type { MethodTrial } from './method.js';

/** Halvings of the search: sizes are found to less than a hundredth of the prompt. */
const STEPS = 8;

export interface FittedSizes {
  sizes: readonly number[];
  /** Tiles computed, as a share of the dense causal ones. */
  cost: number;
}

/**
 * The largest sizes whose measured cost on prompts of one length stays within `fraction` of dense; the smallest ones where even
 * they cost more.
 *
 * @param options.patterns of all heads, by sizes
 */
export async function fitToCost(options: {
  method: MethodName;
  fraction: number;
  length: number;
  patterns: (sizes: readonly number[]) => LayerPatterns;
  trial: MethodTrial;
}): Promise<FittedSizes> {
  const { method, fraction, length, patterns, trial } = options;
  const { scaled, varies } = methodKind(method);
  const prompts = trial.prompts(length).slice(0, varies ? undefined : 1);
  const known = new Map<string, number>();
  const measured = async (share: number): Promise<FittedSizes> => {
    const sizes = scaled(share, length);
    const key = sizes.join();
    const cost = known.get(key) ?? (await measure(patterns(sizes), prompts, trial));
    known.set(key, cost);
    return { sizes, cost };
  };
  let [low, high] = [0, 1];
  let best = await measured(low);
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    const candidate = await measured(middle);
    if (candidate.cost > fraction) high = middle;
    else {
      low = middle;
      best = candidate;
    }
  }
  return best;
}

async function measure(
  patterns: LayerPatterns,
  prompts: readonly (readonly number[])[],
  { decoder, chunk, signal }: MethodTrial,
): Promise<number> {
  const shares: number[] = [];
  for (const tokens of prompts) {
    throwIfAborted(signal);
    const { cache, timings } = await decoder.prefill(tokens, {
      patterns,
      allowDense: false,
      maxNewTokens: 0,
      ...defined({ chunk: chunk ?? undefined, signal }),
    });
    cache.dispose();
    shares.push(timings.computed ?? 1);
  }
  return mean(shares);
}
