import { type FileHandle, open } from 'node:fs/promises';
import type { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { writeFailure } from './write-failure.js';

/** Hundreds of thousands of entries. */
const MAX_BYTES = 1024 * 2 ** 20;

/** What a journal holds: a header that says what all of it is, then entries, each a line of JSON. */
export interface JournalFormat<Header, Entry> {
  header: z.ZodType<Header>;
  entry: z.ZodType<Entry>;
  /** What errors call it: `predictions of an evaluation`. */
  content: string;
  /** Of everything that entries depend on: those under another key are not continued. */
  keyOf(header: Header): string;
  /** The same, by the names that a reader knows: errors say what differs first. */
  factsOf(header: Header): Record<string, unknown>;
}

export interface JournalContent<Header, Entry> {
  header: Header;
  entries: Entry[];
}

/** A journal that is open to take more. */
export interface Journal<Entry> extends AsyncDisposable {
  readonly path: string;
  /** What an earlier run left. */
  readonly entries: readonly Entry[];
  /** Appends an entry; on disk when it resolves. */
  append(entry: Entry): Promise<void>;
}

/**
 * Opens or creates a journal. A last line that a crash cut off is dropped.
 *
 * @param options.resume false drops what an earlier run left
 * @throws {MinferenceError} WRITE_FAILED; CHECKPOINT_INVALID when the file is something else, or of another key
 */
export async function openJournal<Header, Entry>(
  format: JournalFormat<Header, Entry>,
  options: { path: string; header: Header; resume: boolean },
): Promise<Journal<Entry>> {
  const { path, header, resume } = options;
  const handle = await open(path, 'a+').catch((error) => {
    throw writeFailure(path, error);
  });
  try {
    const found = resume ? await readWhole(format, handle, path) : undefined;
    if (found && format.keyOf(found.header) !== format.keyOf(header)) throw other(format, path, found.header, header);
    await handle.truncate(found?.validBytes ?? 0);
    if (!found) await appendLine(handle, header, path);
    return {
      path,
      entries: found?.entries ?? [],
      append: (entry) => appendLine(handle, entry, path),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw writeFailure(path, error);
  }
}

/**
 * Reads a journal up to the first line that is not whole.
 *
 * @throws {MinferenceError} READ_FAILED, CHECKPOINT_INVALID
 */
export async function readJournal<Header, Entry>(
  format: JournalFormat<Header, Entry>,
  path: string,
): Promise<JournalContent<Header, Entry>> {
  const handle = await open(path, 'r').catch((cause) => {
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: 'give the folder that an evaluation wrote to with --out',
      cause,
    });
  });
  try {
    const found = await readWhole(format, handle, path);
    if (!found) throw invalid(path, `expected ${format.content}, found none`);
    return found;
  } finally {
    await handle.close();
  }
}

/** Replaces a journal by this one, whole or not at all. */
export async function writeJournal<Header, Entry>(
  path: string,
  { header, entries }: JournalContent<Header, Entry>,
): Promise<void> {
  const lines = [header, ...entries].map((value) => JSON.stringify(value));
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

/** Everything up to the first line that is no whole entry; undefined where not even the first line is whole. */
async function readWhole<Header, Entry>(
  format: JournalFormat<Header, Entry>,
  handle: FileHandle,
  path: string,
): Promise<(JournalContent<Header, Entry> & { validBytes: number }) | undefined> {
  const { size } = await handle.stat();
  if (size > MAX_BYTES) throw invalid(path, `expected at most ${MAX_BYTES / 2 ** 20} MiB, found more`);
  const bytes = Buffer.alloc(size);
  await handle.read(bytes, 0, size, 0);
  let header: Header | undefined;
  let validBytes = 0;
  const entries: Entry[] = [];
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    const value = parseLine(bytes.toString('utf8', start, end));
    if (header === undefined) {
      const result = format.header.safeParse(value);
      if (!result.success) throw invalid(path, `expected ${format.content}, found something else`);
      header = result.data;
    } else {
      const result = format.entry.safeParse(value);
      if (!result.success) break;
      entries.push(result.data);
    }
    validBytes = end + 1;
  }
  return header && { header, entries, validBytes };
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

/** Entries of another configuration are there: what differs first. */
function other<Header, Entry>(
  { factsOf, content }: JournalFormat<Header, Entry>,
  path: string,
  found: Header,
  wanted: Header,
): MinferenceError {
  const [was, is] = [factsOf(found), factsOf(wanted)];
  const name = Object.keys({ ...was, ...is }).find((key) => was[key] !== is[key]);
  const difference =
    name === undefined ? 'files of the model others, now these' : `${name} ${was[name]}, now ${is[name]}`;
  return invalid(path, `expected ${content} of the same configuration, found those of another: ${difference}`);
}
