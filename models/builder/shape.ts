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
  qkNorm: false,
  attentionBias: false,
  tiedEmbeddings: true,
};
