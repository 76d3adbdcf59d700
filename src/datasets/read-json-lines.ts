import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { readFailure } from '../utils/read-text.js';
import { describeProblem } from '../utils/zod-problem.js';

/** Longest line of a benchmark: a book of several million characters. */
const MAX_LINE = 64 * 2 ** 20;

export interface JsonLinesOptions<Schema extends z.ZodType> {
  schema: Schema;
  /** Leave lines out that are broken or lack fields, and tell of each; by default the first one is an error. */
  skipBad?: boolean;
  onSkip?: (problem: string) => void;
  /** Most records to read. */
  limit?: number;
  /** What to do about a broken line. */
  hint?: string;
  /** What to do when the file cannot be read. */
  readHint?: string;
}

/** Reads all records of a file of JSON lines; see jsonLines. */
export async function readJsonLines<Schema extends z.ZodType>(
  path: string,
  options: JsonLinesOptions<Schema>,
): Promise<z.infer<Schema>[]> {
  const records: z.infer<Schema>[] = [];
  for await (const { record } of jsonLines(path, options)) records.push(record);
  return records;
}

/**
 * Reads a file of JSON lines (`.gz`: packed), one record after another with the number of its line, without holding the text
 * of the file.
 *
 * @throws {MinferenceError} READ_FAILED; DATASET_INVALID with the number of the line
 */
export async function* jsonLines<Schema extends z.ZodType>(
  path: string,
  options: JsonLinesOptions<Schema>,
): AsyncGenerator<{ record: z.infer<Schema>; line: number }> {
  const { schema, skipBad = false, onSkip, limit = Infinity, readHint = 'check the path' } = options;
  const { hint = 'mend the line, or leave it out with --skip-bad' } = options;
  const stream = openText(path);
  let line = 0;
  let count = 0;
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      line++;
      if (text.trim() === '') continue;
      if (count >= limit) break;
      const result = parseLine(text, schema);
      if ('record' in result) {
        count++;
        yield { record: result.record, line };
        continue;
      }
      const message = `${path}, line ${line}: ${result.problem}`;
      if (!skipBad) throw new MinferenceError('DATASET_INVALID', message, { hint });
      onSkip?.(message);
    }
  } catch (cause) {
    throw cause instanceof MinferenceError ? cause : readFailure(path, cause, readHint);
  } finally {
    stream.destroy();
  }
}

/** The text of a file, unpacked; errors of the file end what reads it. */
function openText(path: string): Readable {
  const file = createReadStream(path);
  const isPacked = path.toLowerCase().endsWith('.gz');
  return (isPacked ? pipeline(file, createGunzip(), () => {}) : file).setEncoding('utf8');
}

/** The record of a line; or what is wrong with it. */
function parseLine<Schema extends z.ZodType>(
  line: string,
  schema: Schema,
): { record: z.infer<Schema> } | { problem: string } {
  if (line.length > MAX_LINE) return { problem: `expected at most ${MAX_LINE} characters, found ${line.length}` };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { problem: `expected JSON, found a syntax error: ${(error as Error).message}` };
  }
  const result = schema.safeParse(value, { reportInput: true });
  return result.success ? { record: result.data } : { problem: describeProblem(result.error) };
}
