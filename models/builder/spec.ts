import { MinferenceError } from '../../src/errors.js';
import { type DecoderShape, hasCache, type LayerKind, TINY_SHAPE } from './shape.js';
import type { WeightSource } from './weights.js';

/** Which exporter's graph to imitate. */
export type DecoderStyle = 'genai' | 'optimum' | 'mha' | 'attention23';

/** How matrices are stored; activations are float16 for `fp16` and float32 otherwise unless said. */
export type WeightDType = 'fp32' | 'fp16' | 'int8' | 'int4';

/** Element type of activations, norms, caches of angles and the KV cache. */
export type ActivationDType = 'float32' | 'float16';

/** Block-wise quantisation as com.microsoft.MatMulNBits defines it. */
export interface QuantizationSpec {
  bits: 4 | 8;
  /** Weights per scale along the input dimension: a power of two, at least 16. */
  blockSize: number;
  /** Zero point fixed at 2^(bits − 1); otherwise one is stored per block. */
  symmetric: boolean;
  /** MatMulNBits' accuracy_level: 0 leaves the choice to the kernel, 1 computes in float32, 4 in int8. */
  accuracyLevel: 0 | 1 | 2 | 3 | 4;
  /**
   * `kernel`: MatMulNBits multiplies with the blocks. `load`: standard ops turn them into float matrices, which ONNX
   * Runtime does once, when it creates the session (8 bits, symmetric).
   */
  unpack: 'kernel' | 'load';
}

/** What to build; everything has a default, a tiny decoder in the genai style. */
export interface DecoderSpec extends Partial<DecoderShape> {
  style?: DecoderStyle;
  dtype?: WeightDType;
  activations?: ActivationDType;
  quantization?: Partial<Omit<QuantizationSpec, 'bits'>>;
  /** One MatMul for q, k and v (default) or one each. */
  packedQkv?: boolean;
  /** Weights by Hugging Face name, or 'hollow': external tensors without bytes, for huge graphs. Default: random. */
  weights?: WeightSource | 'hollow';
  /** Seed of the random weights. */
  seed?: number;
  /** `stored` keeps cos/sin caches as initializers; `computed` derives them from small tables when the graph is loaded. */
  rotaryCaches?: 'stored' | 'computed';
  /** LongRoPE: an If chooses other tables, of angles divided by `factor`, for more than `switch` tokens (genai). */
  longRope?: { switch: number; factor: number };
  /** Put tensors of at least `minBytes` (default 0) into a file of this name beside the model; false keeps all inline. */
  externalData?: false | { location: string; minBytes?: number };
}

export interface ResolvedSpec extends DecoderShape {
  style: DecoderStyle;
  dtype: WeightDType;
  activations: ActivationDType;
  quantization: QuantizationSpec | null;
  packedQkv: boolean;
  weights: WeightSource | 'hollow' | null;
  seed: number;
  rotaryCaches: 'stored' | 'computed';
  longRope: { switch: number; factor: number } | null;
  externalData: false | { location: string; minBytes: number };
}

/** Which kinds of layers a style's exporter writes. */
const KINDS: Record<DecoderStyle, readonly LayerKind[]> = {
  genai: ['sinks', 'smooth', 'shared', 'conv', 'linear'],
  optimum: ['shared', 'biased', 'sliding'],
  mha: [],
  attention23: [],
};

const QUANTIZATION = {
  blockSize: 32,
  symmetric: true,
  accuracyLevel: 0,
  unpack: 'kernel',
} as const;

/** Fills in the defaults and checks what would give a graph that cannot run. */
export function resolveSpec(spec: DecoderSpec): ResolvedSpec {
  const dtype = spec.dtype ?? 'fp32';
  const headDim = spec.headDim ?? TINY_SHAPE.headDim;
  const bits = dtype === 'int4' ? 4 : dtype === 'int8' ? 8 : null;
  const resolved: ResolvedSpec = {
    ...TINY_SHAPE,
    headDim,
    rotaryDim: headDim,
    ...spec,
    style: spec.style ?? 'genai',
    dtype,
    activations: spec.activations ?? (dtype === 'fp16' ? 'float16' : 'float32'),
    quantization: bits && { bits, ...QUANTIZATION, ...spec.quantization },
    packedQkv: spec.packedQkv ?? true,
    weights: spec.weights ?? null,
    seed: spec.seed ?? 1,
    rotaryCaches: spec.rotaryCaches ?? 'stored',
    longRope: spec.longRope ?? null,
    externalData: spec.externalData ? { minBytes: 0, ...spec.externalData } : false,
  };
  check(resolved.numHeads % resolved.numKvHeads === 0, 'numHeads to be a multiple of numKvHeads');
  check(resolved.rotaryDim % 2 === 0 && resolved.rotaryDim <= headDim, 'an even rotaryDim of at most headDim');
  const fused = resolved.style !== 'genai' || resolved.rotaryDim % 16 === 0;
  check(fused, 'a rotaryDim that is a multiple of 16, as GroupQueryAttention takes it');
  check(resolved.style === 'genai' || !resolved.longRope, 'no longRope in this style');
  const windowed = resolved.style === 'genai' || resolved.style === 'optimum';
  check(windowed || !resolved.slidingWindow, 'no slidingWindow in this style');
  const kinds = Object.values(resolved.layerKinds);
  check(
    kinds.every((kind) => KINDS[resolved.style].includes(kind)),
    `layers of kinds that this style has (${KINDS[resolved.style].join(', ') || 'none'})`,
  );
  check(
    hasCache(resolved, 0) || !kinds.includes('shared'),
    'a first layer with keys and values where others share them',
  );
  const sliding = Object.keys(resolved.layerKinds).filter((layer) => resolved.layerKinds[Number(layer)] === 'sliding');
  check(
    sliding.every((layer) => layer !== '0' && resolved.slidingWindow?.layers.includes(Number(layer))),
    'a slidingWindow for sliding layers, and another kind of first layer',
  );
  check(resolved.weights !== 'hollow' || resolved.externalData !== false, 'externalData for hollow weights');
  const { blockSize = 16, unpack = 'kernel', symmetric = true } = resolved.quantization ?? {};
  check(blockSize >= 16 && Number.isInteger(Math.log2(blockSize)), 'a blockSize that is a power of two from 16 on');
  check(unpack === 'kernel' || (bits === 8 && symmetric), '8 symmetric bits for weights that are unpacked at load');
  const columns = [resolved.hiddenSize, resolved.intermediateSize, resolved.numHeads * headDim];
  check(unpack === 'kernel' || resolved.style !== 'optimum', 'MatMulNBits in the optimum style');
  const whole = columns.every((size) => size % blockSize === 0);
  check(unpack === 'kernel' || whole, 'matrices of whole blocks for weights that are unpacked at load');
  return resolved;
}

function check(condition: boolean, expected: string): void {
  if (!condition) throw new MinferenceError('USAGE', `decoder builder: expected ${expected}`);
}
