import { z } from 'zod';
import type { ModelDirectory } from '../model/model-directory.js';
import { MAX_KEPT } from '../patterns/head-pattern.js';
import * as option from '../utils/option-schemas.js';

/** What the options of decoders must be. Their meaning and defaults stand at the types. */

const directory = z.custom<ModelDirectory>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['id', 'folder', 'modelPath', 'configText'].every((key) => typeof Reflect.get(value, key) === 'string') &&
    typeof Reflect.get(value, 'config') === 'object',
);

/** How a model is found and where it runs: `loadModel`, `search` and `evaluate` take these. */
export const loadShape = {
  model: z
    .union([option.modelSource, directory], {
      error: 'expected a model folder, an .onnx file, a Hub id or a resolved model',
    })
    .optional(),
  variant: option.text('the name of a variant such as q4 or fp16').optional(),
  device: option.oneOf(['auto', 'cpu', 'cuda']).optional(),
  deviceId: option.wholeNumber('the number of a CUDA device', 0, 1023).optional(),
  threads: option.wholeNumber('a number of threads', 1, 1024).optional(),
} as const;

export const chunk = option.tokenCount().optional();
export const maxNewTokens = option.tokenCount(0).optional();
export const allowDense = option.yesOrNo.optional();
const { signal, callback } = option;

export const decoderSchema = z.strictObject({
  ...loadShape,
  graph: option.oneOf(['prefill', 'likelihood', 'probe', 'original']).optional(),
  logits: option.oneOf(['last', 'all']).optional(),
  indices: option.yesOrNo.optional(),
  progress: option.progress.optional(),
  signal: signal.optional(),
});

/** The patterns themselves are checked with the model at hand. */
const patterns = z.custom((value) => value === 'dense' || Array.isArray(value), {
  error: 'expected "dense" or patterns as [layer][head]',
});

const memoryBytes = z
  .custom<number>((value) => typeof value === 'number' && value >= 0, { error: 'expected a number of bytes from 0' })
  .optional();

/** Of SnapKV: its window of 64, and one more. */
export const keptTokens = option.wholeNumber('a number of tokens that are kept', 65, MAX_KEPT);

export const prefillSchema = z.strictObject({
  patterns,
  allowDense,
  chunk,
  maxNewTokens,
  signal: signal.optional(),
  giveIndices: option.yesOrNo.optional(),
  snapKv: keptTokens.optional(),
  onChunk: callback.optional(),
  onProgress: callback.optional(),
  memoryBytes,
});

export const likelihoodSchema = prefillSchema.omit({
  maxNewTokens: true,
  onChunk: true,
  giveIndices: true,
  snapKv: true,
});

export const generateSchema = z.strictObject({
  maxNewTokens: option.tokenCount(0),
  stopTokenIds: z.array(option.wholeNumber('a token id', 0, 2 ** 31 - 1)).optional(),
  signal: signal.optional(),
  onToken: callback.optional(),
});

export const compareSchema = z.strictObject({
  patterns,
  maxNewTokens: option.tokenCount(0),
  allowDense,
  chunk,
  signal: signal.optional(),
  onProgress: callback.optional(),
});

const candidateField = option.wholeNumber('a field of a candidate', 0, 2 ** 31 - 1);

const layerCandidates = z.strictObject({
  rows: z.array(z.tuple([candidateField, candidateField, candidateField, candidateField])),
  perHead: z.boolean().optional(),
  budgetFlops: z.number().min(0),
});

export const probeSchema = z.strictObject({
  layers: z.array(layerCandidates).min(1),
  signal: signal.optional(),
  onLayers: callback.optional(),
  memoryBytes,
});
