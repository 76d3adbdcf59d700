import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { aborted } from '../../utils/abort.js';
import type { HubFile } from './list-repo.js';

const NAMES = { sha256: 'SHA-256', 'git-sha1': 'Git hash' } as const;

/** Compares content, piece by piece, with the size and the hash that the Hub gives. */
export function contentCheck({ size, hash }: HubFile) {
  const sum = hash && createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  // Git hashes its objects with a head: kind, length, zero byte.
  if (hash?.kind === 'git-sha1') sum!.update(`blob ${size}\0`);
  let found = 0;
  return {
    /** Returns the bytes so far. */
    update(piece: Uint8Array): number {
      sum?.update(piece);
      found += piece.byteLength;
      return found;
    },
    /** The bytes so far. */
    get found() {
      return found;
    },
    /** What is wrong, once all is there. */
    problem(): string | undefined {
      if (found !== size) return `expected ${size} bytes, found ${found}`;
      if (hash === undefined || sum!.digest('hex') === hash.hex) return undefined;
      return `expected ${NAMES[hash.kind]} ${hash.hex}, found other content`;
    },
  };
}

/**
 * Whether the file is there with the size and the hash that the Hub gives; one that cannot be read is not.
 *
 * @throws MinferenceError ABORTED
 */
export async function isPresent(path: string, file: HubFile, signal: AbortSignal | undefined): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile() || facts.size !== file.size) return false;
  if (file.hash === undefined) return true;
  const check = contentCheck(file);
  try {
    for await (const piece of createReadStream(path, { signal })) check.update(piece);
  } catch {
    if (signal?.aborted) throw aborted(signal, 'download stopped');
    return false;
  }
  return check.problem() === undefined;
}
