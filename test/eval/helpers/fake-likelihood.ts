import type { PplDecoder } from '../../../src/eval/ppl/jobs.js';
import type { LayerPatterns } from '../../../src/prefill/pattern-feeds.js';

export interface FakeLikelihood {
  decoder: PplDecoder;
  /** What was read, the warm-up left out. */
  calls: { tokens: readonly number[]; patterns: LayerPatterns; allowDense: boolean }[];
}

/** The token before every text. */
export const BOS = 0;

/**
 * A decoder of characters that finds every digit as unlikely as it is large, 1 in so many, and twice as unlikely where an
 * A-shape pattern hides a part of what comes before it.
 */
export function fakeLikelihood(
  options: {
    contextLength?: number;
    fingerprint?: string;
    onCall?: (call: number, tokens: readonly number[]) => void;
  } = {},
): FakeLikelihood {
  const calls: FakeLikelihood['calls'] = [];
  const decoder = {
    directory: {
      id: 'fake',
      variant: 'model',
      folder: '/nonexistent/fake',
      modelPath: '/nonexistent/fake/onnx/model.onnx',
      config: { contextLength: options.contextLength ?? 4096 },
    },
    tokenizer: {
      encode: (text: string, { addSpecialTokens = true } = {}) => [
        ...(addSpecialTokens ? [BOS] : []),
        ...[...text].map((character) => character.charCodeAt(0)),
      ],
    },
    layers: [{ numHeads: 2, numKvHeads: 1, headDim: 64 }],
    leftAlone: [],
    numLayers: 1,
    fingerprint: options.fingerprint ?? 'sha256:fake',
    filesHash: 'fake',
    device: { kind: 'cpu', id: null, name: 'a processor', reason: null },
    async likelihood(
      tokens: readonly number[],
      { patterns, allowDense, signal }: { patterns: LayerPatterns; allowDense?: boolean; signal?: AbortSignal },
    ) {
      if (allowDense !== undefined) {
        calls.push({ tokens, patterns, allowDense });
        options.onCall?.(calls.length, tokens);
      }
      signal?.throwIfAborted();
      const head = patterns === 'dense' ? undefined : patterns[0]![0]!;
      const seen = head?.type === 'a_shape' ? head.sink + head.window : Infinity;
      const loss = tokens.slice(1).map((token, before) => {
        const inverse = Number(String.fromCharCode(token));
        return Math.log(before + 1 > seen ? 2 * inverse : inverse);
      });
      const timings = { totalMs: head ? 5 : 10, indexMs: 1, attentionMs: 2, computed: head ? 0.25 : 1 };
      return { loss: Float32Array.from(loss), timings, peakMemoryBytes: 1 };
    },
  };
  return { decoder: decoder as unknown as PplDecoder, calls };
}
