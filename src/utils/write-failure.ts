import { dirname } from 'node:path';
import { MinferenceError } from '../errors.js';

/** What to do about an `errno` of a failed write to `path`. */
function hintFor(errno: string | undefined, path: string): string {
  switch (errno) {
    case 'ENOENT':
      return `create the folder first: mkdir -p ${dirname(path)}`;
    case 'ENOTDIR':
      return `a part of ${dirname(path)} is a file, not a folder; choose another path`;
    case 'EACCES':
    case 'EPERM':
      return `you may not write there; choose another path or change the permissions of ${dirname(path)}`;
    case 'EROFS':
      return 'that file system is mounted read-only; choose another path';
    case 'EISDIR':
      return 'give the path of a file, not of a folder';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'free some space, or choose a path on another disk';
    case 'EFBIG':
      return 'the file system or ulimit -f allows no larger file: raise the limit or choose another disk';
    case 'ENAMETOOLONG':
      return 'choose a shorter file name';
    default:
      return 'choose another path';
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  EISDIR: 'it is a folder',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'disk quota used up',
  EFBIG: 'the file would become too large',
  ENAMETOOLONG: 'its name is too long',
};

/** The {@link MinferenceError} (WRITE_FAILED) of a failed write: which path, why, what to do. */
export function writeFailure(path: string, cause: unknown): MinferenceError {
  if (cause instanceof MinferenceError) return cause;
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason = (errno && REASONS[errno]) || (cause instanceof Error ? cause.message : String(cause));
  return new MinferenceError('WRITE_FAILED', `cannot write ${path}: ${reason}${errno ? ` (${errno})` : ''}`, {
    hint: hintFor(errno, path),
    cause,
  });
}
