import { open, stat } from 'node:fs/promises';
import { MinferenceError } from '../errors.js';

/** Our files name their schema within their first bytes, if their format has room for it. */
const MARK = '"minference.';
const SEEN_BYTES = 4096;

/** The first bytes of a file; '' for a folder and for what is missing or cannot be read: writing will tell. */
async function beginning(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return '';
    if (!facts.isFile()) return 'a device';
    await using handle = await open(path, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEEN_BYTES), 0, SEEN_BYTES, 0);
    return buffer.subarray(0, bytesRead).toString('latin1');
  } catch {
    return '';
  }
}

/**
 * A slip such as `--out package.json` must not cost the user that file: only results of this program are replaced. A
 * device is no place for results that have other files beside them.
 *
 * @param firstLine of our files that have no room for their schema
 * @throws {MinferenceError} USAGE
 */
export async function refuseForeignFile(path: string, firstLine?: string): Promise<void> {
  const text = await beginning(path);
  if (text.trim() === '' || text.includes(MARK)) return;
  if (firstLine !== undefined && text.startsWith(`${firstLine}\r\n`)) return;
  throw new MinferenceError('USAGE', `--out: expected a new file or an earlier result, found another file at ${path}`, {
    hint: 'choose another path, or remove that file first',
  });
}
