import { type ErrorCode, MinferenceError } from '../errors.js';
import { readTextFile } from '../utils/read-text.js';

/**
 * Reads a text file of a model; undefined when there is none.
 *
 * @throws MinferenceError `code` when it is too large, no file, or not UTF-8; READ_FAILED when it cannot be read
 */
export async function readModelText(
  path: string,
  limits: { maxBytes: number; code: ErrorCode },
): Promise<string | undefined> {
  const hint = 'This is not the file that its name says. Export or download the model again.';
  try {
    return await readTextFile(path, { ...limits, hint, readHint: 'Check the permissions of the model folder.' });
  } catch (error) {
    if (error instanceof MinferenceError && isMissing(error.cause)) return undefined;
    throw error;
  }
}

function isMissing(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
