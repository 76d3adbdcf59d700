import { MinferenceError } from '../errors.js';

/** The error of work that was stopped; its cause is what the signal was aborted with. */
export function aborted(signal: AbortSignal | undefined, message = 'stopped'): MinferenceError {
  return new MinferenceError('ABORTED', message, { cause: signal?.reason });
}

/** @throws {MinferenceError} ABORTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}
