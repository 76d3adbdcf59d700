import type { MinferenceError } from '../../errors.js';

/** Failures that say something about the whole run and not about one prompt. */
const FATAL = new Set(['ABORTED', 'WRITE_FAILED', 'READ_FAILED', 'LOCKED', 'USAGE', 'NATIVE_LOAD_FAILED']);

/** Whether a failure ends an evaluation; of others the rest goes on, and what is missing is named. */
export const endsRun = ({ code }: MinferenceError, signal: AbortSignal | undefined): boolean =>
  FATAL.has(code) || signal?.aborted === true;
