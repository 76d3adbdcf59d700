import { open, stat } from 'node:fs/promises';
import { MinferenceError } from '../src/errors.js';
import { assertWritable } from '../src/utils/atomic-write.js';
import { checkpointPath } from './checkpoint.js';
import { MAP_MARK } from './pattern-map.js';

/** What a search writes; all absent when it only returns its result. */
export interface OutputFiles {
  patterns: string | undefined;
  map: string | undefined;
  checkpoint: string | undefined;
}

/** The mark stands within the first bytes of a map. */
const SEEN_BYTES = 256;

/**
 * Names the files beside `out` and finds out, before hours of work, whether they can be written. A device such as
 * /dev/null gets no files beside it.
 *
 * @throws {MinferenceError} WRITE_FAILED; USAGE when the map would replace somebody else's file.
 */
export async function outputFiles(out: string | undefined): Promise<OutputFiles> {
  if (out === undefined) return { patterns: undefined, map: undefined, checkpoint: undefined };
  await assertWritable(out);
  const facts = await stat(out).catch(() => undefined);
  if (facts && !facts.isFile()) return { patterns: out, map: undefined, checkpoint: undefined };
  const map = `${out.replace(/\.json$/i, '')}.svg`;
  await assertOwnMap(map);
  await assertWritable(map);
  return { patterns: out, map, checkpoint: checkpointPath(out) };
}

/** A pattern file called diagram.json must not cost the user diagram.svg. */
async function assertOwnMap(path: string): Promise<void> {
  const beginning = await readBeginning(path);
  if (beginning === '' || beginning.includes(MAP_MARK)) return;
  throw new MinferenceError('USAGE', `expected no file or an earlier map at ${path}, found another file`, {
    hint: 'the map of the heads is written there: choose another --out, or move that file',
  });
}

async function readBeginning(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) return '';
    await using handle = await open(path, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEEN_BYTES), 0, SEEN_BYTES, 0);
    return buffer.subarray(0, bytesRead).toString('latin1');
  } catch {
    // Missing or unreadable: writing will tell.
    return '';
  }
}
