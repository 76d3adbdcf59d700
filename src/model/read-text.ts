import { readFile, stat } from 'node:fs/promises';
import type { ErrorCode } from '../errors.js';
import { MinferenceError } from '../errors.js';

/**
 * Reads a UTF-8 text file of bounded size; undefined when there is none.
 *
 * @throws MinferenceError `code` when it is too large, no file, or not UTF-8; READ_FAILED when it cannot be read
 */
export async function readTextFile(
  path: string,
  options: { maxBytes: number; code: ErrorCode },
): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    const facts = await stat(path);
    if (!facts.isFile()) {
      throw new MinferenceError(options.code, `${path}: expected a file, found something else`, {
        hint: 'Replace it with the file that the model was exported with.',
      });
    }
    if (facts.size > options.maxBytes) {
      throw new MinferenceError(
        options.code,
        `${path}: expected at most ${options.maxBytes} bytes, found ${facts.size}`,
        { hint: 'This is not the file that its name says. Export or download the model again.' },
      );
    }
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof MinferenceError) throw error;
    if (isMissing(error)) return undefined;
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(error as Error).message})`, {
      hint: 'Check the permissions of the model folder.',
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MinferenceError(options.code, `${path}: expected UTF-8 text, found other bytes`, {
      hint: 'The file is damaged or not text. Export or download the model again.',
      cause,
    });
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
