import { z } from 'zod';
import {
  MAX_CANDIDATES,
  MAX_ERROR,
  MAX_FLOPS,
  MAX_HEAD_DIM,
  MAX_HEADS,
  MAX_LAYERS,
  MAX_SAMPLES,
  MAX_SETS,
  MAX_TEXT,
  MAX_TOKENS,
} from './limits.js';

/** Value of the `schema` field of the files this version reads and writes. */
export const PATTERN_SCHEMA = 'minference.patterns/1';

export const OBJECTIVES = ['answer', 'output', 'both', 'mass'] as const;
/** What a search minimises; see search/README.md. */
export type Objective = (typeof OBJECTIVES)[number];

const text = z.string().min(1).max(MAX_TEXT);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a SHA-256 in 64 lower-case hex digits' });
const tokens = z.int().min(0).max(MAX_TOKENS);
const atLeastOne = z.int().min(1);
const flops = z.number().min(0).max(MAX_FLOPS);
const relativeError = z.number().min(0).max(MAX_ERROR);

/** What the search measured for a head; all absent in files that were written by hand or converted. */
const measured = {
  recall: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('share of the softmax mass that is kept: mean over rows of exp(lse_sparse − lse_dense)'),
  error: relativeError.optional().describe('‖O_sparse − O_dense‖_F / ‖O_dense‖_F over all rows of the prompt'),
  answer_error: relativeError.optional().describe('the same over the last 64 rows'),
  flops: flops.optional().describe('FLOPs of the head at search.length, counted on the built index'),
  fraction: z.number().min(0).max(MAX_ERROR).optional().describe('flops / dense causal FLOPs at search.length'),
  score: z.number().optional().describe('the score of MInference’s own format, whatever its unit; kept for conversion'),
};

const dense = z.strictObject({ type: z.literal('dense'), ...measured });
const aShape = z.strictObject({
  type: z.literal('a_shape'),
  sink: tokens.describe('first tokens that every query sees'),
  window: tokens.describe('nearest tokens that a query sees'),
  ...measured,
});
const verticalSlash = z.strictObject({
  type: z.literal('vertical_slash'),
  vertical: tokens.describe('key columns, chosen from the last 64 queries'),
  slash: tokens.describe('diagonals, chosen from the last 64 queries'),
  ...measured,
});
const blockSparse = z.strictObject({
  type: z.literal('block_sparse'),
  blocks: tokens.describe('key blocks of 64 tokens per query block'),
  unused: tokens.optional().describe('second size of an entry of MInference’s own format, which nothing reads'),
  ...measured,
});

/** One head: its pattern with named sizes, and what the search measured. */
export const headSchema = z.discriminatedUnion('type', [dense, aShape, verticalSlash, blockSparse]);

/** A shape that is the same in all layers that have it, or one value per layer, 0 where it has none. */
const perLayer = (limit: number) =>
  z.union([atLeastOne.max(limit), z.array(z.int().min(0).max(limit)).min(1).max(MAX_LAYERS)]);

const modelSchema = z.strictObject({
  id: text.describe('Hub id or folder name'),
  fingerprint: text.optional().describe('hash of the graph without its weights and of the configuration'),
  num_layers: atLeastOne.max(MAX_LAYERS).describe('layers of the model, also those that stay as they are'),
  num_heads: perLayer(MAX_HEADS).describe('query heads; a list when layers differ'),
  num_kv_heads: perLayer(MAX_HEADS).optional(),
  head_dim: perLayer(MAX_HEAD_DIM).optional(),
});

/** One of the model's layers. */
const layerSchema = z.strictObject({
  left_alone: text
    .optional()
    .describe('why the layer stays as it is: its attention is not ours to make sparse, or it has none (then no heads)'),
  window: atLeastOne
    .max(MAX_TOKENS)
    .optional()
    .describe('the layer’s own sliding window in tokens; its heads stay dense'),
  heads: z.array(headSchema).max(MAX_HEADS).describe('dense where the layer stays as it is'),
});

const candidateSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('dense') }),
  z.strictObject({
    type: z.literal('a_shape'),
    sink: tokens,
    window: tokens,
    fit: z.enum(['sink', 'window']).optional(),
  }),
  z.strictObject({
    type: z.literal('vertical_slash'),
    vertical: tokens,
    slash: tokens,
    fit: z.enum(['vertical', 'slash']).optional(),
  }),
  z.strictObject({ type: z.literal('block_sparse'), blocks: tokens, fit: z.enum(['blocks']).optional() }),
]);

const calibrationSchema = z.strictObject({
  set: text.describe('name of the set, or file:<name>'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 53 - 1),
  samples: z
    .array(z.strictObject({ tokens: atLeastOne.max(MAX_TOKENS), sha256: sha256.describe('of the token ids as int32') }))
    .min(1)
    .max(MAX_SAMPLES),
});

const searchSchema = z.strictObject({
  tool: text.describe('name and version of the program that searched'),
  objective: z.enum(OBJECTIVES),
  budget: z.strictObject({
    spec: text.describe('as the user gave it'),
    flops: z
      .union([flops, z.array(flops).min(1).max(MAX_LAYERS)])
      .describe('FLOPs per head at `length`; a list with one per layer when they differ'),
    fraction: z
      .number()
      .min(0)
      .max(MAX_ERROR)
      .describe('of the dense causal FLOPs at `length`; the least of the layers'),
  }),
  length: atLeastOne.max(MAX_TOKENS).describe('tokens of a calibration prompt'),
  angles: z
    .enum(['short', 'long'])
    .optional()
    .describe('which tables of angles the calibration prompts saw (LongRoPE)'),
  candidates: z.array(candidateSchema).min(1).max(MAX_CANDIDATES).describe('sizes before they were fitted'),
  calibration: z.array(calibrationSchema).min(1).max(MAX_SETS),
  device: text,
  kernel: z
    .strictObject({
      block_m: atLeastOne.max(MAX_TOKENS),
      block_n: atLeastOne.max(MAX_TOKENS),
      key_align: atLeastOne.max(MAX_TOKENS),
    })
    .describe('tiles in which the FLOPs were counted'),
  agreement: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('mean share of calibration prompts that, alone, choose the same pattern type'),
  anomalies: z
    .array(
      z.strictObject({ layer: z.int().min(0).max(MAX_LAYERS), heads: z.array(z.int().min(0).max(MAX_HEADS)).min(1) }),
    )
    .min(1)
    .optional()
    .describe('heads that stay dense because their activations were NaN or infinite on a calibration prompt'),
  date: z.iso.datetime().describe('when the search ended'),
});

/** The whole file. Strict: unknown fields are refused, so that a misspelt one cannot pass unnoticed. */
export const patternFileSchema = z
  .strictObject({
    $schema: text.optional(),
    schema: z.literal(PATTERN_SCHEMA),
    model: modelSchema,
    search: searchSchema.optional().describe('how the patterns were found; absent when written by hand or converted'),
    layers: z.array(layerSchema).min(1).max(MAX_LAYERS).describe('by their numbers in the model'),
  })
  .check(({ value, issues }) => {
    for (const problem of shapeProblems(value)) issues.push({ code: 'custom', input: value, ...problem });
  });

export type PatternFile = z.infer<typeof patternFileSchema>;
export type LayerEntry = z.infer<typeof layerSchema>;
export type HeadEntry = z.infer<typeof headSchema>;
export type SearchProvenance = z.infer<typeof searchSchema>;
export type CandidateEntry = z.infer<typeof candidateSchema>;

/** True for layers whose heads the search chose: neither left alone nor windowed by the model itself. */
export const isSearched = ({ left_alone, window }: LayerEntry): boolean =>
  left_alone === undefined && window === undefined;

/** A shape as the file holds it: one number where all layers agree that have it. */
export function packShape(values: readonly number[]): number | number[] {
  const some = values.filter((value) => value > 0);
  return some.length > 0 && some.every((value) => value === some[0]) ? some[0]! : [...values];
}

/** The value of a shape for one layer. */
export const shapeOfLayer = (shape: number | number[], layer: number): number =>
  typeof shape === 'number' ? shape : shape[layer]!;

interface ShapeProblem {
  path: (string | number)[];
  message: string;
}

/** Where the numbers of layers and heads contradict each other. */
function* shapeProblems(file: z.output<typeof patternFileSchema>): Generator<ShapeProblem> {
  const { model, layers } = file;
  if (layers.length !== model.num_layers) {
    yield { path: ['layers'], message: `expected ${model.num_layers} (model.num_layers), found ${layers.length}` };
    return;
  }
  for (const name of ['num_heads', 'num_kv_heads', 'head_dim'] as const) {
    const shape = model[name];
    if (Array.isArray(shape) && shape.length !== model.num_layers) {
      yield {
        path: ['model', name],
        message: `expected one number, or ${model.num_layers} (model.num_layers), found ${shape.length}`,
      };
      return;
    }
  }
  for (const [layer, { heads, left_alone }] of layers.entries()) {
    if (left_alone !== undefined) {
      const sparse = heads.findIndex(({ type }) => type !== 'dense');
      if (sparse >= 0) {
        const message = `expected dense heads of a layer that stays as it is, found ${heads[sparse]!.type}`;
        yield { path: ['layers', layer, 'heads', sparse], message };
        return;
      }
      if (heads.length === 0) continue;
    }
    const expected = shapeOfLayer(model.num_heads, layer);
    if (heads.length !== expected) {
      yield {
        path: ['layers', layer, 'heads'],
        message: `expected ${expected} heads (model.num_heads), found ${heads.length}`,
      };
      return;
    }
  }
}
