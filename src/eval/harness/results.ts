import { z } from 'zod';

/** Value of the `schema` field of the results files this version reads and writes. */
export const EVAL_SCHEMA = 'minference.eval/1';

const MAX_TEXT = 1 << 16;
const text = z.string().max(MAX_TEXT);
const name = z.string().min(1).max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a SHA-256 in 64 lower-case hex digits' });
const count = z.int().min(0);
const ms = z.number().min(0);
const percent = z.number().min(0).max(100);

/** One method's answer to one prompt. */
export const answerSchema = z.strictObject({
  method: name,
  patterns_sha256: sha256.describe('of the patterns used, [layer][head]'),
  prediction: text,
  score: z.number().min(0).max(1),
  new_tokens: count,
  stopped: z.enum(['eos', 'length', 'context']),
  prefill_ms: ms,
  index_ms: ms.nullable().describe('building sparse indices, within prefill_ms'),
  attention_ms: ms.nullable().describe('attention itself, within prefill_ms'),
  decode_ms: ms,
});
export type Answer = z.infer<typeof answerSchema>;

/** One prompt and all answers to it. */
export const promptSchema = z.strictObject({
  task: name,
  length: count.describe('tokens of prompt and answer together, at most'),
  depth: percent.describe('in percent of the haystack'),
  sample: count,
  prompt_tokens: count,
  prompt_sha256: sha256.describe('of the token ids as little-endian int32'),
  references: z.array(text).min(1),
});
export type PromptFacts = z.infer<typeof promptSchema>;

const scored = {
  method: name,
  n: count,
  score: percent,
  low: percent.describe('lower end of the 95 % confidence interval (Wilson)'),
  high: percent,
};

const rowSchema = z.strictObject({
  length: count.nullable().describe('null: all lengths'),
  task: name.nullable().describe('null: all tasks'),
  ...scored,
  difference: z.number().nullable().describe('score minus dense’s on the same prompts, in points'),
  better: count.nullable().describe('prompts that dense answers worse'),
  worse: count.nullable().describe('prompts that dense answers better'),
  prefill_ms: ms.nullable().describe('median; null over several lengths'),
  speedup: z
    .number()
    .min(0)
    .nullable()
    .describe('median prefill time of dense / of this method on the same prompts; null over several lengths'),
});
/** Scores of a method over a part of the grid. */
export type ResultRow = z.infer<typeof rowSchema>;

const cellSchema = z.strictObject({ task: name, length: count, depth: percent, ...scored });
/** Scores of a method at one task, length and depth. */
export type ResultCell = z.infer<typeof cellSchema>;

const kernelSchema = z.strictObject({ block_m: count, block_n: count, key_align: count });

/** The whole results file. */
export const evalSchema = z.strictObject({
  schema: z.literal(EVAL_SCHEMA),
  evaluation: z.literal('niah'),
  tool: name.describe('name and version of the program'),
  key: sha256.describe('of everything that answers depend on except the grid'),
  finished: z.iso.datetime(),
  model: z.strictObject({ id: name, variant: name, fingerprint: name, context_length: count }),
  device: z.strictObject({ kind: name, cpu: name, threads: count.nullable(), kernel: kernelSchema }),
  options: z.strictObject({
    lengths: z.array(count),
    depths: z.array(percent),
    samples: count,
    seed: z.int(),
    chunk: count.nullable(),
    chat_template: z.boolean(),
    tasks: z.array(z.strictObject({ name, source: name, metric: name, max_new_tokens: count })),
    methods: z.array(
      z.strictObject({
        name,
        description: text,
        pattern_file: z.strictObject({ name, sha256 }).nullable(),
      }),
    ),
  }),
  data: z.strictObject({
    haystack: z.strictObject({ name, sha256 }),
    words: z.strictObject({ sha256 }),
  }),
  rows: z.array(rowSchema),
  cells: z.array(cellSchema),
  prompts: z.array(promptSchema.extend({ answers: z.array(answerSchema) })),
});
export type EvalResults = z.infer<typeof evalSchema>;
export type EvaluatedPrompt = EvalResults['prompts'][number];
