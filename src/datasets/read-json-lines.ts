import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { MinferenceError } from '../errors.js';
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
}

/**
 * Reads a file of JSON lines, one record after another, without holding the text of the file.
 *
 * @throws {MinferenceError} READ_FAILED; DATASET_INVALID with the number of the line
 */
export async function readJsonLines<Schema extends z.ZodType>(
  path: string,
  { schema, skipBad = false, onSkip, limit = Infinity }: JsonLinesOptions<Schema>,
): Promise<z.infer<Schema>[]> {
  const records: z.infer<Schema>[] = [];
  const stream = createReadStream(path, 'utf8');
  let number = 0;
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '') continue;
      if (records.length >= limit) break;
      const problem = parseLine(line, schema, records);
      if (problem === undefined) continue;
      const message = `${path}, line ${number}: ${problem}`;
      if (!skipBad) {
        throw new MinferenceError('DATASET_INVALID', message, {
          hint: 'mend the line, or leave it out with --skip-bad',
        });
      }
      onSkip?.(message);
    }
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: 'check the path',
      cause,
    });
  } finally {
    stream.destroy();
  }
  return records;
}

/** Adds the record of a line; or says what is wrong with it. */
function parseLine<Schema extends z.ZodType>(line: string, schema: Schema, records: z.infer<Schema>[]) {
  if (line.length > MAX_LINE) return `expected at most ${MAX_LINE} characters, found ${line.length}`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `expected JSON, found a syntax error: ${(error as Error).message}`;
  }
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) {
    records.push(result.data);
    return undefined;
  }
  return describeProblem(result.error);
}
