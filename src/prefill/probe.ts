import { MinferenceError } from '../errors.js';
import { Tensor } from '../runtime/tensor.js';
import { availableMemory } from './available-memory.js';
import { checkTokens } from './check-tokens.js';
import type { DecoderParts } from './decoder-parts.js';
import { KvCache } from './kv-cache.js';
import { planMemory } from './memory-guard.js';
import { runStep } from './run-step.js';
import { watchLayers } from './watch-layers.js';

/** A row {kind, a, b, flags} of AttentionProbe's `candidates` input. */
export type CandidateRow = readonly [kind: number, a: number, b: number, flags: number];

/** What the heads of a layer are probed with: the same candidates for all of them, or one of its own for each. */
export interface LayerCandidates {
  rows: readonly CandidateRow[];
  /** `rows` has one row per head, which is its only candidate. */
  perHead?: boolean;
  /** FLOPs per head that candidates with a fit flag are adjusted to. */
  budgetFlops: number;
}

export interface ProbeOptions {
  /** By layer, in graph order. */
  layers: readonly LayerCandidates[];
  signal?: AbortSignal;
  /** Called a few times a second with the number of layers that are finished. */
  onLayers?: (finished: number) => void;
  /** Bytes that may be used; default: what the machine has available. */
  memoryBytes?: number;
}

/** What one candidate does to one head on this prompt. */
export interface ProbeScore {
  /** ‖O_sparse − O_dense‖_F / ‖O_dense‖_F over all rows. */
  errorAll: number;
  /** The same over the last 64 rows. */
  errorLast: number;
  /** Mean over rows of exp(lse_sparse − lse_dense). */
  massRecall: number;
  /** Tiles of block_m × block_n that the kernel computes. */
  tiles: number;
  /** Of the tiles and of building the index. */
  flops: number;
  /** Index and attention of this head alone. */
  microseconds: number;
  /** Sizes after fitting. */
  a: number;
  b: number;
}

export interface ProbeScores {
  /** [layer][head][candidate] */
  scores: ProbeScore[][][];
  /** Time of the run. */
  ms: number;
}

/** Fields of a row of `scores` in order; mirrors ScoreField in kernels/include/minference/pattern.h. */
const FIELDS = ['errorAll', 'errorLast', 'massRecall', 'tiles', 'flops', 'microseconds', 'a', 'b'] as const;

/** Scores candidates on a whole prompt in one run. Errors as Decoder.probe's. */
export async function runProbe(
  parts: DecoderParts,
  tokens: readonly number[],
  options: ProbeOptions,
): Promise<ProbeScores> {
  if (parts.graph !== 'probe') {
    throw new MinferenceError('USAGE', `expected the probe graph, found the ${parts.graph} graph`, {
      hint: 'Open the decoder with graph: "probe".',
    });
  }
  checkTokens(tokens, parts.directory.config);
  // The candidates of a layer are scored from one run over all rows: chunks would score another prompt.
  planMemory(parts, {
    prompt: tokens.length,
    capacity: tokens.length,
    chunk: tokens.length,
    availableBytes: options.memoryBytes ?? (await availableMemory(parts.session)),
  });
  const { layers, signal, onLayers } = options;
  using cache = KvCache.allocate(parts, tokens.length);
  const feeds = probeFeeds(parts, layers);
  try {
    const started = performance.now();
    const step = await watchLayers(parts.session, { layers: parts.layers.length, onLayers }, () =>
      runStep(parts, {
        tokens,
        cache,
        feeds,
        outputs: parts.layers.map((layer) => layer.scoresOutput!),
        signal,
      }),
    );
    const ms = performance.now() - started;
    const scores = parts.layers.map((layer, index) => {
      using tensor = step.outputs[layer.scoresOutput!]!;
      const { rows, perHead } = layers[index]!;
      return readScores(tensor.data() as Float32Array, layer.numHeads, perHead ? 1 : rows.length);
    });
    return { scores, ms };
  } finally {
    for (const tensor of Object.values(feeds)) tensor.dispose();
  }
}

/** Candidates and budget of every layer; the caller disposes them. */
function probeFeeds(parts: DecoderParts, layers: readonly LayerCandidates[]): Record<string, Tensor> {
  return Object.fromEntries(
    parts.layers.flatMap((layer, index) => {
      const { rows, perHead, budgetFlops } = layers[index]!;
      const shape = perHead ? [rows.length, 1, 4] : [1, rows.length, 4];
      return [
        [layer.candidatesInput!, Tensor.fromArray('int32', Int32Array.from(rows.flat()), shape)],
        [layer.budgetInput!, Tensor.fromArray('float32', Float32Array.of(budgetFlops), [1])],
      ];
    }),
  );
}

/** [heads, candidates, fields] as objects. */
function readScores(data: Float32Array, heads: number, candidates: number): ProbeScore[][] {
  return Array.from({ length: heads }, (_, head) =>
    Array.from({ length: candidates }, (_, candidate) => {
      const offset = (head * candidates + candidate) * FIELDS.length;
      return Object.fromEntries(FIELDS.map((field, index) => [field, data[offset + index]!])) as unknown as ProbeScore;
    }),
  );
}
