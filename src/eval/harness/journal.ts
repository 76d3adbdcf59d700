import { type FileHandle, open, unlink } from 'node:fs/promises';
import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import { writeFailure } from '../../utils/write-failure.js';
import { answerSchema, promptSchema } from './results.js';

const JOURNAL_SCHEMA = 'minference.eval-journal/1';
/** Hundreds of thousands of answers. */
const MAX_BYTES = 512 * 2 ** 20;

const headerSchema = z.strictObject({ schema: z.literal(JOURNAL_SCHEMA), key: z.string() });
const recordSchema = z.strictObject({ prompt: promptSchema, answer: answerSchema });

/** One answer and the prompt it answers. */
export type AnswerRecord = z.infer<typeof recordSchema>;

/** Answers of an evaluation that is under way: a file of JSON lines beside its output, one line per answer. */
export interface Journal extends AsyncDisposable {
  readonly path: string;
  /** Answers that an earlier run left. */
  readonly records: readonly AnswerRecord[];
  /** Appends an answer; on disk when it resolves. */
  append(record: AnswerRecord): Promise<void>;
  /** The evaluation is complete: its results are in the output. */
  remove(): Promise<void>;
}

/** The key is part of the name, so that an evaluation with other options leaves this one's answers alone. */
export const journalPath = (out: string, key: string): string => `${out}.${key.slice(0, 8)}.partial.jsonl`;

/**
 * Opens or creates the journal of an evaluation. A last line that a crash cut off is dropped.
 *
 * @param resume false drops what an earlier run left
 * @throws {MinferenceError} WRITE_FAILED; CHECKPOINT_INVALID when the file is something else
 */
export async function openJournal(options: { out: string; key: string; resume: boolean }): Promise<Journal> {
  const { out, key, resume } = options;
  const path = journalPath(out, key);
  const handle = await open(path, 'a+').catch((error) => {
    throw writeFailure(path, error);
  });
  try {
    const { records, validBytes } = resume ? await readRecords(handle, path, key) : { records: [], validBytes: 0 };
    await handle.truncate(validBytes);
    if (validBytes === 0) await appendLine(handle, { schema: JOURNAL_SCHEMA, key }, path);
    return journalOf(handle, path, records);
  } catch (error) {
    await handle.close();
    throw writeFailure(path, error);
  }
}

function journalOf(handle: FileHandle, path: string, records: readonly AnswerRecord[]): Journal {
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await handle.close();
  };
  return {
    path,
    records,
    append: (record) => appendLine(handle, record, path),
    async remove() {
      await close();
      await unlink(path).catch(() => {});
    },
    [Symbol.asyncDispose]: close,
  };
}

async function appendLine(handle: FileHandle, value: unknown, path: string): Promise<void> {
  try {
    await handle.appendFile(`${JSON.stringify(value)}\n`);
    await handle.datasync();
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Reads up to the first line that is not a whole record of this key. */
async function readRecords(handle: FileHandle, path: string, key: string) {
  const { size } = await handle.stat();
  if (size > MAX_BYTES) throw invalid(path, `expected at most ${MAX_BYTES / 2 ** 20} MiB, found more`);
  const bytes = Buffer.alloc(size);
  await handle.read(bytes, 0, size, 0);
  const records: AnswerRecord[] = [];
  let validBytes = 0;
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    const value = parseLine(bytes.toString('utf8', start, end));
    if (start === 0) {
      const header = headerSchema.safeParse(value);
      if (!header.success || header.data.key !== key) throw invalid(path, 'expected answers of this evaluation');
    } else {
      const record = recordSchema.safeParse(value);
      if (!record.success) break;
      records.push(record.data);
    }
    validBytes = end + 1;
  }
  return { records, validBytes };
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
    hint: 'remove the file, or start over with --no-resume',
  });
