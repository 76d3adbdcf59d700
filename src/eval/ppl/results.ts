import { z } from 'zod';
import { answerSchema, failureSchema, setupSchema } from '../harness/results.js';

/** Value of the `schema` field of the results files this version reads and writes. */
export const PPL_SCHEMA = 'minference.perplexity/1';
const PREDICTIONS_SCHEMA = 'minference.perplexity-predictions/1';

const { model, device, tool, commit, key, options } = setupSchema.shape;
const name = z.string().min(1).max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a SHA-256 in 64 lower-case hex digits' });
const count = z.int().min(0);
const perplexity = z.number().min(1);
const { prefill_ms, index_ms, attention_ms, computed } = answerSchema.shape;

/** What one method makes of one document at one length. */
const measurementSchema = z.strictObject({
  loss: z.number().describe('−ln of the probability of the scored tokens, summed, in nats'),
  tokens: count.describe('scored: all but the first'),
  windows: count.describe('prefills: more than one where the length slides'),
  computed,
  prefill_ms: prefill_ms.describe('of all windows, with the LM head for all positions'),
  index_ms,
  attention_ms,
});
export type Measurement = z.infer<typeof measurementSchema>;

const documentSchema = z.strictObject({ name, sha256: sha256.describe('of the text in UTF-8') });
const identity = {
  document: documentSchema,
  length: count,
  method: name,
  patterns_sha256: sha256,
};

/** A line of predictions.jsonl: a document at a length by a method, or why it is missing. */
export const recordSchema = z.strictObject({
  ...identity,
  measurement: measurementSchema.optional(),
  failure: failureSchema.pick({ code: true, message: true, skipped: true }).optional(),
});
export type PplRecord = z.infer<typeof recordSchema>;

/** What was measured, where and with what. */
export const pplSetupSchema = z.strictObject({
  evaluation: z.literal('ppl'),
  tool,
  commit,
  key: key.describe('of everything that measurements depend on except documents, lengths and methods'),
  model,
  device,
  options: z.strictObject({
    lengths: z.array(count),
    documents: count.describe('asked for'),
    window: count.describe('most tokens of one prefill: longer lengths slide'),
    stride: count,
    prefix: z.array(count).describe('special tokens before every window'),
    chunk: options.shape.chunk,
    allow_dense: options.shape.allow_dense,
    methods: options.shape.methods,
  }),
});
export type PplSetup = z.infer<typeof pplSetupSchema>;

export const headerSchema = z.strictObject({ schema: z.literal(PREDICTIONS_SCHEMA), setup: pplSetupSchema });
export const headerOf = (setup: PplSetup): z.infer<typeof headerSchema> => ({ schema: PREDICTIONS_SCHEMA, setup });

const rowSchema = z.strictObject({
  length: count,
  method: name,
  documents: count,
  tokens: count.describe('scored, in all documents'),
  perplexity: perplexity.describe('mean over documents of exp(mean loss)'),
  perplexity_by_token: perplexity.describe('exp(mean loss of all tokens)'),
  difference: z.number().nullable().describe('perplexity minus dense’s, mean over the documents that both have'),
  difference_low: z.number().nullable().describe('lower end of its 95 % confidence interval (Student, paired)'),
  difference_high: z.number().nullable(),
  ratio: z.number().nullable().describe('perplexity_by_token / dense’s, over the documents that both have'),
  ratio_low: z.number().nullable().describe('lower end of its 95 % confidence interval (Student, paired, of losses)'),
  ratio_high: z.number().nullable(),
  failed: count.describe('documents without a measurement, which count in no mean'),
  windows: count.describe('of a document'),
  computed: computed.describe('mean share of the dense causal tiles that attention computed'),
  prefill_ms: prefill_ms.describe('median of a document’s'),
  speedup: z.number().min(0).nullable().describe('median prefill time of dense / of this method, same documents'),
});
/** A method at a length. */
export type PplRow = z.infer<typeof rowSchema>;

export const pplSchema = z.strictObject({
  schema: z.literal(PPL_SCHEMA),
  ...pplSetupSchema.shape,
  finished: z.iso.datetime(),
  data: z.strictObject({
    name,
    documents: z.array(documentSchema.extend({ tokens: count })),
    skipped: z.array(z.strictObject({ name, tokens: count, reason: name })).describe('looked at and not measured'),
  }),
  rows: z.array(rowSchema),
  failures: z.array(
    z.strictObject({
      document: name,
      length: count,
      method: name,
      code: name,
      message: z.string(),
      skipped: z.boolean(),
    }),
  ),
});
/** The whole results file. */
export type PplResults = z.infer<typeof pplSchema>;
