import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import { writeFileAtomic } from '../../utils/atomic-write.js';
import { writeFailure } from '../../utils/write-failure.js';
import { answerSchema, type EvalSetup, failureSchema, promptSchema, setupSchema } from './results.js';

const PREDICTIONS_SCHEMA = 'minference.eval-predictions/2';
/** Hundreds of thousands of answers. */
const MAX_BYTES = 1024 * 2 ** 20;

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

/**
 * Opens or creates a file of predictions. A last line that a crash cut off is dropped.
 *
 * @param options.resume false drops what an earlier run left
 * @throws {MinferenceError} WRITE_FAILED; CHECKPOINT_INVALID when the file is something else, or of another key
 */
export async function openPredictions(options: {
  path: string;
  setup: EvalSetup;
  resume: boolean;
}): Promise<PredictionsFile> {
  const { path, setup, resume } = options;
  const handle = await open(path, 'a+').catch((error) => {
    throw writeFailure(path, error);
  });
  try {
    const found = resume ? await readWhole(handle, path) : undefined;
    if (found && found.setup.key !== setup.key) throw otherSetup(path, found.setup, setup);
    await handle.truncate(found?.validBytes ?? 0);
    if (!found) await appendLine(handle, { schema: PREDICTIONS_SCHEMA, setup }, path);
    return {
      path,
      records: found?.records ?? [],
      append: (record) => appendLine(handle, record, path),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw writeFailure(path, error);
  }
}

/**
 * Reads predictions up to the first line that is not whole.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readPredictions(path: string): Promise<Predictions> {
  const handle = await open(path, 'r').catch((cause) => {
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: 'give the folder that an evaluation wrote to with --out',
      cause,
    });
  });
  try {
    const found = await readWhole(handle, path);
    if (!found) throw invalid(path, 'expected predictions of an evaluation, found none');
    return found;
  } finally {
    await handle.close();
  }
}

/** Replaces the file by these predictions, whole or not at all. */
export async function writePredictions(path: string, { setup, records }: Predictions): Promise<void> {
  const lines = [{ schema: PREDICTIONS_SCHEMA, setup }, ...records].map((value) => JSON.stringify(value));
  await writeFileAtomic(path, `${lines.join('\n')}\n`);
}

async function appendLine(handle: FileHandle, value: unknown, path: string): Promise<void> {
  try {
    await handle.appendFile(`${JSON.stringify(value)}\n`);
    await handle.datasync();
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Everything up to the first line that is no whole record; undefined where not even the first line is whole. */
async function readWhole(
  handle: FileHandle,
  path: string,
): Promise<(Predictions & { validBytes: number }) | undefined> {
  const { size } = await handle.stat();
  if (size > MAX_BYTES) throw invalid(path, `expected at most ${MAX_BYTES / 2 ** 20} MiB, found more`);
  const bytes = Buffer.alloc(size);
  await handle.read(bytes, 0, size, 0);
  let setup: EvalSetup | undefined;
  let validBytes = 0;
  const records: PredictionRecord[] = [];
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    const value = parseLine(bytes.toString('utf8', start, end));
    if (setup === undefined) {
      const header = headerSchema.safeParse(value);
      if (!header.success) throw invalid(path, 'expected predictions of an evaluation, found something else');
      setup = header.data.setup;
    } else {
      const record = recordSchema.safeParse(value);
      if (!record.success) break;
      records.push(record.data);
    }
    validBytes = end + 1;
  }
  return setup && { setup, records, validBytes };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const invalid = (path: string, problem: string) =>
  new MinferenceError('CHECKPOINT_INVALID', `${path}: ${problem}`, {
    hint: 'give another folder with --out, or start over with --no-resume',
  });

/** Results of another configuration are there: what differs first. */
function otherSetup(path: string, found: EvalSetup, wanted: EvalSetup): MinferenceError {
  const [name, was, is] = firstDifference(found, wanted) ?? ['files of the model', 'others', 'these'];
  return invalid(
    path,
    `expected predictions of the same configuration, found those of another: ${name} ${was}, now ${is}`,
  );
}

/** What answers depend on, by the names that a reader knows. */
function firstDifference(a: EvalSetup, b: EvalSetup): [name: string, was: string, is: string] | undefined {
  const facts = (setup: EvalSetup): Record<string, unknown> => ({
    evaluation: setup.evaluation,
    model: `${setup.model.id} (${setup.model.variant})`,
    fingerprint: setup.model.fingerprint,
    seed: setup.options.seed,
    era: setup.options.era,
    chunk: setup.options.chunk ?? 'auto',
    'dense fallback': setup.options.allow_dense ? 'allowed' : 'off',
    version: setup.tool,
    device: `${setup.device.kind} (${setup.device.cpu})`,
    threads: setup.device.threads ?? 'auto',
    ...Object.fromEntries(
      Object.entries(setup.data).map(([key, { name, sha256 }]) => [key, `${name} ${sha256.slice(0, 8)}`]),
    ),
  });
  const [was, is] = [facts(a), facts(b)];
  const name = Object.keys({ ...was, ...is }).find((key) => was[key] !== is[key]);
  return name === undefined ? undefined : [name, String(was[name]), String(is[name])];
}
