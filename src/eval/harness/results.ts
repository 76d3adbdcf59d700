import { z } from 'zod';
import { kvSchema } from './kv-choice.js';

/** Value of the `schema` field of the results files this version reads and writes. */
export const EVAL_SCHEMA = 'minference.eval/2';

const MAX_TEXT = 1 << 16;
const text = z.string().max(MAX_TEXT);
const name = z.string().min(1).max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a SHA-256 in 64 lower-case hex digits' });
const count = z.int().min(0);
const ms = z.number().min(0);
const share = z.number().min(0);
const percent = z.number().min(0).max(100);
const points = z.number().min(-100).max(100);

/** One method's answer to one prompt. */
export const answerSchema = z.strictObject({
  method: name,
  patterns_sha256: sha256.describe('of the patterns used, [layer][head]'),
  prediction: text,
  score: z.number().min(0).max(1),
  new_tokens: count,
  stopped: z.enum(['eos', 'length', 'context']),
  computed: share.nullable().describe('tiles that attention computed, as a share of the dense causal ones'),
  prefill_ms: ms,
  index_ms: ms.nullable().describe('building sparse indices, within prefill_ms'),
  attention_ms: ms.nullable().describe('attention itself, within prefill_ms'),
  decode_ms: ms,
});
export type Answer = z.infer<typeof answerSchema>;

/** Why a method gave no answer to a prompt. Such a cell is named and never counts as 0. */
export const failureSchema = z.strictObject({
  method: name,
  patterns_sha256: sha256,
  code: name,
  message: text,
  skipped: z.boolean().describe('not tried, because the method failed at this length before'),
});
export type Failure = z.infer<typeof failureSchema>;

/** One prompt. */
export const promptSchema = z.strictObject({
  task: name,
  length: count.describe('tokens of prompt and answer together, at most'),
  depth: percent.nullable().describe('in percent of the haystack; null: drawn'),
  sample: count,
  prompt_tokens: count,
  prompt_sha256: sha256.describe('of the token ids as little-endian int32'),
  references: z.array(text).min(1),
});
export type PromptFacts = z.infer<typeof promptSchema>;

/** A prompt with the answers to it. */
export type EvaluatedPrompt = PromptFacts & { answers: Answer[] };

const scored = {
  method: name,
  n: count,
  score: percent,
  low: percent.describe('lower end of the 95 % confidence interval (Wilson)'),
  high: percent,
};

const statistics = {
  ...scored,
  difference: points.nullable().describe('score minus dense’s on the same prompts, in points'),
  difference_low: points.nullable().describe('lower end of its 95 % confidence interval (Agresti and Min, paired)'),
  difference_high: points.nullable(),
  better: count.nullable().describe('prompts that dense answers worse'),
  worse: count.nullable().describe('prompts that dense answers better'),
  truncated: count.describe('answers that the limit of tokens cut off'),
  yes_no: z
    .strictObject({ n: count, score: percent })
    .nullable()
    .describe('of the prompts that yes or no answers, among the others; null: there are none'),
  failed: count.describe('prompts without an answer, which count in no score'),
  computed: share.nullable().describe('mean share of the dense causal tiles that attention computed'),
};

const times = {
  prefill_ms: ms.nullable().describe('median'),
  speedup: z.number().min(0).nullable().describe('median prefill time of dense / of this method on the same prompts'),
};

const rowSchema = z.strictObject({ length: count, task: name, ...statistics, ...times });
/** Scores of a method at one task and length: what was measured. */
export type ResultRow = z.infer<typeof rowSchema>;

const aggregateSchema = z.strictObject({
  length: count.nullable().describe('null: all lengths; then without times'),
  tasks: count.describe('over whose means the mean is taken'),
  ...statistics,
  ...times,
});
/** The mean over the tasks of a length, or over everything. */
export type ResultAggregate = z.infer<typeof aggregateSchema>;

const cellSchema = z.strictObject({ task: name, length: count, depth: percent, ...scored });
/** Scores of a method at one task, length and depth. */
export type ResultCell = z.infer<typeof cellSchema>;

const kernelSchema = z.strictObject({ block_m: count, block_n: count, key_align: count });
const fileSchema = z.strictObject({ name, sha256 });

/** What was evaluated, where and with what: everything about answers that stands before the first one. */
export const setupSchema = z.strictObject({
  evaluation: z.enum(['niah', 'ruler', 'infinitebench']),
  tool: name.describe('name and version of the program'),
  commit: name.nullable().describe('of the repository that it ran from; null: it was installed'),
  key: sha256.describe('of everything that answers depend on except the grid'),
  model: z.strictObject({ id: name, variant: name, fingerprint: name, files: name, context_length: count }),
  device: z.strictObject({ kind: name, cpu: name, threads: count.nullable(), kernel: kernelSchema }),
  options: z.strictObject({
    lengths: z.array(count),
    depths: z.array(percent).nullable(),
    samples: count,
    seed: z.int(),
    era: z.enum(['2024', '2025']),
    chunk: count.nullable(),
    allow_dense: z.boolean().describe('heads ran dense where that is as fast'),
    kv: kvSchema.optional().describe('what decoding saw of the prompt; absent: all'),
    chat_template: z.boolean(),
    answer_prefix: z.literal('behind the generation prompt'),
    tasks: z.array(
      z.strictObject({ name, source: name, metric: name, max_new_tokens: count, count: count.nullable() }),
    ),
    methods: z.array(
      z.strictObject({
        name,
        description: text,
        pattern_file: fileSchema.nullable(),
        patterns: z.array(z.strictObject({ length: count, sha256 })).describe('what was used at each length'),
      }),
    ),
  }),
  data: z.record(z.string(), fileSchema).describe('texts, words and questions that prompts are made of'),
});
export type EvalSetup = z.infer<typeof setupSchema>;

/** The whole results file. */
export const evalSchema = z.strictObject({
  schema: z.literal(EVAL_SCHEMA),
  ...setupSchema.shape,
  finished: z.iso.datetime(),
  rows: z.array(rowSchema),
  aggregates: z.array(aggregateSchema),
  effective_lengths: z
    .array(z.strictObject({ method: name, length: count.nullable() }))
    .describe('the longest length whose mean is above 85.6 (RULER); null: none is. Empty where it means nothing'),
  cells: z.array(cellSchema),
  failures: z.array(
    z.strictObject({
      ...promptSchema.pick({ task: true, length: true, depth: true, sample: true }).shape,
      ...failureSchema.omit({ patterns_sha256: true }).shape,
    }),
  ),
});
export type EvalResults = z.infer<typeof evalSchema>;
