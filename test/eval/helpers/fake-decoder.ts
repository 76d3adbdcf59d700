import type { EvalDecoder } from '../../../src/eval/harness/eval-decoder.js';
import type { LayerPatterns } from '../../../src/prefill/pattern-feeds.js';
import { fakeTokenizer } from './fake-tokenizer.js';

export interface FakeDecoder {
  decoder: EvalDecoder;
  /** Prompts that were prefilled, the warm-up left out. */
  calls: { tokens: readonly number[]; patterns: LayerPatterns }[];
  /** Caches that were not disposed. */
  openCaches(): number;
}

/**
 * A decoder that answers needle questions perfectly from what its patterns let it see: everything when dense, sink and
 * window of the first head when A-shape.
 */
export function fakeDecoder(
  options: {
    contextLength?: number;
    onPrefill?: (call: number, made: FakeDecoder['calls'][number]) => void;
    fingerprint?: string;
    /** What it answers instead. */
    answer?: () => string;
    stopped?: 'eos' | 'length';
  } = {},
): FakeDecoder {
  const tokenizer = fakeTokenizer();
  const calls: FakeDecoder['calls'] = [];
  let open = 0;
  const seen = new WeakMap<object, string>();
  const decoder = {
    directory: {
      id: 'fake',
      variant: 'model',
      folder: '/nonexistent/fake',
      modelPath: '/nonexistent/fake/onnx/model.onnx',
      config: { contextLength: options.contextLength ?? 131_072 },
    },
    tokenizer,
    layers: [{ numHeads: 2, numKvHeads: 1, headDim: 64 }],
    leftAlone: [],
    numLayers: 1,
    fingerprint: options.fingerprint ?? 'sha256:fake',
    filesHash: 'fake',
    device: { kind: 'cpu', id: null, name: 'a processor', reason: null },
    async prefill(tokens: readonly number[], { patterns, allowDense, maxNewTokens, signal }: Record<string, unknown>) {
      if (maxNewTokens !== 0) calls.push({ tokens, patterns: patterns as LayerPatterns });
      if (maxNewTokens !== 0) options.onPrefill?.(calls.length, calls.at(-1)!);
      (signal as AbortSignal | undefined)?.throwIfAborted();
      open++;
      const cache = { dispose: () => open--, [Symbol.dispose]: () => open-- };
      const result = {
        cache,
        peakMemoryBytes: 2 ** 20,
        timings: {
          totalMs: patterns === 'dense' ? 20 : 10,
          indexMs: null,
          attentionMs: null,
          computed: patterns === 'dense' || allowDense ? 1 : 0.25,
        },
      };
      seen.set(result, tokenizer.decode(visible(tokens, patterns as LayerPatterns)));
      return result;
    },
    async generate(prefill: object) {
      const text = options.answer?.() ?? ` ${answer(seen.get(prefill)!).join(', ')}`;
      return { text, tokens: tokenizer.encode(text), decodeMs: 1, stopped: options.stopped ?? 'eos' };
    },
  };
  return { decoder: decoder as unknown as EvalDecoder, calls, openCaches: () => open };
}

function visible(tokens: readonly number[], patterns: LayerPatterns): readonly number[] {
  const head = patterns === 'dense' ? undefined : patterns[0]![0]!;
  if (head?.type !== 'a_shape') return tokens;
  return tokens.length <= head.sink + head.window
    ? tokens
    : [...tokens.slice(0, head.sink), ...tokens.slice(-head.window)];
}

function answer(text: string): string[] {
  const query = /special magic \w+ for (.+) mentioned in the provided text (?:is|are)$/.exec(text)?.[1];
  const keys = query?.split(/, and |, /) ?? [];
  return keys.flatMap((key) =>
    [...text.matchAll(/magic \w+ for (\S+) is: (\S+)\./g)].filter(([, k]) => k === key).map(([, , value]) => value!),
  );
}
