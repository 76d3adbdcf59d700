/**
 * What a layer has in the place of plain attention, as other families do:
 *
 * - `sinks`: a logit per head that takes part in the softmax and has no value (gpt-oss); `smooth`: the same with logit 0.
 * - `shared`: keys and values of the nearest layer before it that has its own (Gemma 3n, Gemma 4).
 * - `conv`: a gated short convolution (LFM2), carrying the last rows of its input.
 * - `linear`: linear attention by the gated delta rule (Qwen3-Next, Qwen3.5), carrying a convolution's rows and a matrix per head.
 * - `biased`: attention whose scores get a bias computed from the layer's input.
 * - `sliding`: windowed attention whose cache keeps the window's rows only (transformers' sliding layers).
 */
export type LayerKind = 'sinks' | 'smooth' | 'shared' | 'conv' | 'linear' | 'biased' | 'sliding';

/** Rows that a short convolution of LFM2, and the one before linear attention, see. */
export const CONV_ROWS = { conv: 3, linear: 4 } as const;

/** Sizes of a Llama-family decoder; names follow Hugging Face configs in camelCase. */
export interface DecoderShape {
  numLayers: number;
  hiddenSize: number;
  numHeads: number;
  /** Divides numHeads. */
  numKvHeads: number;
  headDim: number;
  intermediateSize: number;
  vocabSize: number;
  /** Rows of the cos/sin caches. */
  maxPositions: number;
  ropeTheta: number;
  /** How many leading dimensions of a head rotate; even, at most headDim (the default). */
  rotaryDim: number;
  rmsNormEps: number;
  /** Sliding window in tokens and the layers that have it; the others see everything. */
  slidingWindow: { size: number; layers: readonly number[] } | null;
  /** Layers that are not plain attention. */
  layerKinds: Readonly<Record<number, LayerKind>>;
  /** RMS norm over each head of q and k before RoPE (Qwen3). */
  qkNorm: boolean;
  /** Biases on the q, k and v projections (Qwen2). */
  attentionBias: boolean;
  /** The LM head reads the embedding's weights. */
  tiedEmbeddings: boolean;
}

/** Runs in a millisecond. */
export const TINY_SHAPE: DecoderShape = {
  numLayers: 2,
  hiddenSize: 64,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 16,
  intermediateSize: 96,
  vocabSize: 272,
  maxPositions: 512,
  ropeTheta: 10_000,
  rotaryDim: 16,
  rmsNormEps: 1e-5,
  slidingWindow: null,
  layerKinds: {},
  qkNorm: false,
  attentionBias: false,
  tiedEmbeddings: true,
};

/** True for layers with keys and values of their own. */
export const hasCache = ({ layerKinds }: Pick<DecoderShape, 'layerKinds'>, layer: number): boolean =>
  !['shared', 'conv', 'linear'].includes(layerKinds[layer] ?? '');

/** The layer whose keys and values a `shared` layer reads. */
export function donorOf(shape: Pick<DecoderShape, 'layerKinds'>, layer: number): number {
  let donor = layer - 1;
  while (!hasCache(shape, donor)) donor--;
  return donor;
}

/** Rows of the convolution's input before linear attention: queries, keys and values side by side. */
export const linearWidth = ({ numHeads, headDim }: Pick<DecoderShape, 'numHeads' | 'headDim'>): number =>
  3 * numHeads * headDim;
