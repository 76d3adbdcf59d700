import { describe, expect, it } from 'vitest';
import { CATALOG, type MethodName } from '../../src/eval/methods/catalog.js';
import { fitToCost } from '../../src/eval/methods/equal-cost.js';
import type { MethodTrial } from '../../src/eval/methods/method.js';
import type { MethodContext } from '../../src/eval/methods/method-context.js';
import { parseMethods } from '../../src/eval/methods/parse-methods.js';
import { resolveMethods } from '../../src/eval/methods/resolve-methods.js';
import type { LayerPatterns } from '../../src/prefill/pattern-feeds.js';
import { silentProgress } from '../../src/utils/progress.js';

const LENGTH = 8192;

/** A model whose heads compute a share of each prompt that its first token says, for every key of an A-shape. */
function trial(weights: readonly number[], warnings: string[] = []): MethodTrial & { prefills: number } {
  const made = {
    prefills: 0,
    decoder: {
      async prefill(tokens: readonly number[], { patterns }: { patterns: LayerPatterns }) {
        made.prefills++;
        const head = patterns === 'dense' ? undefined : patterns[0]![0]!;
        const keys = head?.type === 'a_shape' ? head.sink + head.window : head?.type === 'top_k' ? head.keys : LENGTH;
        const computed = Math.min(1, 0.02 + (tokens[0]! * keys) / LENGTH);
        return { cache: { dispose() {} }, timings: { computed } };
      },
    } as unknown as MethodTrial['decoder'],
    lengths: [LENGTH],
    prompts: () => weights.map((weight) => [weight]),
    chunk: null,
    progress: { ...silentProgress, warn: (text: string) => warnings.push(text) },
    signal: undefined,
  };
  return made;
}

const fittedTo = (method: MethodName, fraction: number, own: MethodTrial) =>
  fitToCost({
    ...{ method, fraction, length: LENGTH, trial: own },
    patterns: (sizes) => [[CATALOG[method].choice(sizes as number[])]],
  });

describe('fitToCost', () => {
  it('finds the largest sizes within the cost', async () => {
    const { sizes, cost } = await fittedTo('a_shape', 0.1, trial([1]));
    expect(cost).toBeLessThanOrEqual(0.1);
    expect(cost).toBeGreaterThan(0.095);
    expect(sizes[1]! / sizes[0]!).toBeCloseTo(4, 1);
  });

  it('takes the mean over prompts where the cost depends on them, and one prompt where it does not', async () => {
    const { sizes, cost } = await fittedTo('top_k', 0.1, trial([0.5, 1.5]));
    expect(cost).toBeLessThanOrEqual(0.1);
    expect(sizes[0]! / LENGTH).toBeCloseTo(0.08, 2);
    const [one, two] = [trial([1, 1]), trial([1, 1])];
    await fittedTo('a_shape', 0.1, one);
    await fittedTo('top_k', 0.1, two);
    expect(two.prefills).toBe(2 * one.prefills);
  });

  it('gives the smallest sizes where even they cost more, and says so', async () => {
    const { sizes, cost } = await fittedTo('a_shape', 0.01, trial([1]));
    expect(sizes).toEqual([1, 1]);
    expect(cost).toBeGreaterThan(0.01);
    const warnings: string[] = [];
    const [method] = await resolve('streaming-llm', 0.01);
    await method!.prepare!(trial([1], warnings));
    expect(warnings).toEqual([expect.stringContaining('it cannot do with 1.0 %')]);
    expect(method!.description).toContain('1 sink, 1 window');
  });
});

const context = {
  decoder: { fingerprint: 'x', leftAlone: [], numLayers: 1, layers: [{ numHeads: 2, numKvHeads: 1, headDim: 64 }] },
  ...{ patterns: 'auto', ignoreFingerprint: false, geometry: { blockM: 64, blockN: 64, keyAlign: 16 } },
} as unknown as MethodContext;

const resolve = (methods: string, equalCost?: number, budgets?: 'paper') =>
  resolveMethods(parseMethods(methods), {
    ...context,
    budgets: { ...(equalCost && { equalCost }), ...(budgets && { budgets }) },
  });

describe('budgets of methods without sizes', () => {
  it('are their publications’ when asked for', async () => {
    const [streaming, flex] = await resolve('streaming-llm,flexprefill', undefined, 'paper');
    expect(streaming!.patterns(4096)).toEqual([Array(2).fill({ type: 'a_shape', sink: 1024, window: 4096 })]);
    expect(flex!.patterns(4096)).toEqual([Array(2).fill({ type: 'flexprefill', gamma: 0.95, minBudget: 1024 })]);
  });

  it('tell methods with indices of their own apart by their sizes', async () => {
    const methods = await resolve('tri-shape:1,64,64,tri-shape:1,128,64');
    const [a, b] = methods.map((method) => JSON.stringify(method.identity!(1024)));
    expect(a).not.toBe(b);
  });
});
