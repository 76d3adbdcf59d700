import { z } from 'zod';
import { type JournalFormat, openJournal, readJournal, writeJournal } from '../../utils/journal.js';
import { formatKv } from './kv-choice.js';
import { answerSchema, type EvalSetup, failureSchema, promptSchema, setupSchema } from './results.js';

const PREDICTIONS_SCHEMA = 'minference.eval-predictions/2';

const headerSchema = z.strictObject({ schema: z.literal(PREDICTIONS_SCHEMA), setup: setupSchema });
const recordSchema = z.strictObject({
  prompt: promptSchema,
  answer: answerSchema.optional(),
  failure: failureSchema.optional(),
});

/** A prompt and one method's answer to it, or why there is none. */
export type PredictionRecord = z.infer<typeof recordSchema>;

export interface Predictions {
  setup: EvalSetup;
  records: PredictionRecord[];
}

/** The file of predictions, open to take more: a line per answer, which is on disk before the next one begins. */
export interface PredictionsFile extends AsyncDisposable {
  readonly path: string;
  /** What an earlier run left. */
  readonly records: readonly PredictionRecord[];
  /** Appends an answer; on disk when it resolves. */
  append(record: PredictionRecord): Promise<void>;
}

const FORMAT: JournalFormat<z.infer<typeof headerSchema>, PredictionRecord> = {
  header: headerSchema,
  entry: recordSchema,
  content: 'predictions of an evaluation',
  keyOf: ({ setup }) => setup.key,
  factsOf: ({ setup }) => ({
    evaluation: setup.evaluation,
    model: `${setup.model.id} (${setup.model.variant})`,
    fingerprint: setup.model.fingerprint,
    seed: setup.options.seed,
    era: setup.options.era,
    chunk: setup.options.chunk ?? 'auto',
    'dense fallback': setup.options.allow_dense ? 'allowed' : 'off',
    kv: setup.options.kv ? formatKv(setup.options.kv) : 'all',
    version: setup.tool,
    device: `${setup.device.kind} (${setup.device.cpu})`,
    threads: setup.device.threads ?? 'auto',
    ...Object.fromEntries(
      Object.entries(setup.data).map(([key, { name, sha256 }]) => [key, `${name} ${sha256.slice(0, 8)}`]),
    ),
  }),
};

const headerOf = (setup: EvalSetup) => ({ schema: PREDICTIONS_SCHEMA, setup }) as const;

/**
 * Opens or creates a file of predictions; see openJournal.
 *
 * @throws {MinferenceError} WRITE_FAILED; CHECKPOINT_INVALID when the file is something else, or of another key
 */
export async function openPredictions(options: {
  path: string;
  setup: EvalSetup;
  resume: boolean;
}): Promise<PredictionsFile> {
  const { setup, ...rest } = options;
  const { entries: records, ...journal } = await openJournal(FORMAT, { header: headerOf(setup), ...rest });
  return { ...journal, records };
}

/**
 * Reads predictions up to the first line that is not whole.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readPredictions(path: string): Promise<Predictions> {
  const { header, entries } = await readJournal(FORMAT, path);
  return { setup: header.setup, records: entries };
}

/** Replaces the file by these predictions, whole or not at all. */
export const writePredictions = (path: string, { setup, records }: Predictions): Promise<void> =>
  writeJournal(path, { header: headerOf(setup), entries: records });
