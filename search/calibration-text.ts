import { MinferenceError } from '../src/errors.js';
import { readTextFile } from '../src/utils/read-text.js';

/** Enough for prompts of millions of tokens. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/**
 * Reads the user's calibration text.
 *
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function readCalibrationText(path: string): Promise<string> {
  const text = await readTextFile(path, {
    code: 'DATASET_INVALID',
    maxBytes: MAX_TEXT_BYTES,
    hint: 'give a text file in UTF-8 of at most 64 MiB',
    readHint: 'check the path after file:',
  });
  if (text.trim() !== '') return text;
  throw new MinferenceError('DATASET_INVALID', `${path}: expected text, found none`, { hint: 'give another file' });
}
