import { readFile, stat } from 'node:fs/promises';
import { MinferenceError } from '../src/errors.js';

/** Enough for prompts of millions of tokens. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/**
 * Reads the user's calibration text.
 *
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function readCalibrationText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.trim() !== '') return text;
  } catch (cause) {
    throw new MinferenceError('DATASET_INVALID', `${path}: expected UTF-8 text, found other bytes`, {
      hint: 'convert the file to UTF-8 first',
      cause,
    });
  }
  throw new MinferenceError('DATASET_INVALID', `${path}: expected text, found none`, { hint: 'give another file' });
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    // Before opening: a pipe without a writer would never open.
    const stats = await stat(path);
    if (stats.isFile() && stats.size <= MAX_TEXT_BYTES) return await readFile(path);
    const found = stats.isFile() ? `${Math.ceil(stats.size / 2 ** 20)} MiB` : 'a folder, pipe or device';
    throw new MinferenceError('DATASET_INVALID', `${path}: expected a text file of at most 64 MiB, found ${found}`, {
      hint: 'give a smaller text',
    });
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: 'check the path after file:',
      cause,
    });
  }
}
