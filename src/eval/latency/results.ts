import { z } from 'zod';
import { answerSchema, setupSchema } from '../harness/results.js';

/** Value of the `schema` field of the results files this version writes. */
export const LATENCY_SCHEMA = 'minference.latency/1';
const RUNS_SCHEMA = 'minference.latency-runs/1';

const { model, device, tool, commit, key, options } = setupSchema.shape;
const { index_ms, attention_ms, computed } = answerSchema.shape;
const name = z.string().min(1).max(4096);
const count = z.int().min(0);
const ms = z.number().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** One timed prefill. */
export const runSchema = z.strictObject({
  length: count,
  method: name,
  patterns_sha256: sha256,
  round: count,
  prefill_ms: ms.describe('from the tokens to the last position’s logits: time to first token, without loading'),
  index_ms,
  attention_ms,
  computed,
  peak_memory_bytes: count,
});
export type LatencyRun = z.infer<typeof runSchema>;

export const latencySetupSchema = z.strictObject({
  evaluation: z.literal('latency'),
  tool,
  commit,
  key: key.describe('of everything that times depend on except lengths, rounds and methods'),
  model,
  device,
  options: z.strictObject({
    lengths: z.array(count),
    rounds: count,
    chunk: options.shape.chunk,
    allow_dense: options.shape.allow_dense,
    methods: options.shape.methods,
  }),
  text: z.strictObject({ name, sha256, tokens: count.describe('of it; longer prompts repeat it') }),
});
export type LatencySetup = z.infer<typeof latencySetupSchema>;

export const headerSchema = z.strictObject({ schema: z.literal(RUNS_SCHEMA), setup: latencySetupSchema });
export const headerOf = (setup: LatencySetup): z.infer<typeof headerSchema> => ({ schema: RUNS_SCHEMA, setup });

const spread = z.strictObject({ median: ms, low: ms.describe('the fastest'), high: ms.describe('the slowest') });

const rowSchema = z.strictObject({
  length: count,
  method: name,
  rounds: count,
  prefill_ms: spread,
  tokens_per_second: z.number().min(0),
  index_ms: ms.nullable().describe('median, within prefill_ms'),
  attention_ms: ms.nullable().describe('median, within prefill_ms'),
  rest_ms: ms.nullable(),
  computed,
  peak_memory_bytes: count,
  repeated: z.boolean().describe('the text is shorter, and was repeated'),
  speedup: spread.nullable().describe('dense time / time, of the prefills of the same round'),
  attention_speedup: ms.nullable().describe('of the median times of attention and index'),
});
export type LatencyRow = z.infer<typeof rowSchema>;

export const latencyResultsSchema = z.strictObject({
  schema: z.literal(LATENCY_SCHEMA),
  ...latencySetupSchema.shape,
  finished: z.iso.datetime(),
  cold: z
    .strictObject({ load_ms: ms, length: count, first_prefill_ms: ms })
    .describe(
      'what a new process pays once: loading, and the first prefill (dense), which sets up buffers and threads',
    ),
  rows: z.array(rowSchema),
  crossovers: z
    .array(z.strictObject({ method: name, measured: count.nullable(), estimated: count.nullable() }))
    .describe('tokens from which on the method is faster than dense: the shortest length timed, and between lengths'),
});
export type LatencyResults = z.infer<typeof latencyResultsSchema>;
