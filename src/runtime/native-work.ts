import { aborted } from '../utils/abort.js';
import { runtimeError } from './native-error.js';

/** Stops of the work that is under way on native threads. */
const stops = new Set<() => void>();

// process.exit waits for libuv's threads; an uncaught error or an exit in the middle of a run should not wait for the
// run's end.
process.on('exit', () => {
  for (const stop of stops) stop();
});

/**
 * Waits for work on a native thread, which `stop` ends early.
 *
 * @throws {MinferenceError} ABORTED when the signal fired before the work was done, RUNTIME_FAILED when it failed.
 */
export async function finishNativeWork<T>(options: {
  what: string;
  work: Promise<T>;
  stop: () => void;
  signal: AbortSignal | undefined;
}): Promise<T> {
  const { what, work, stop, signal } = options;
  stops.add(stop);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    return await work;
  } catch (error) {
    throw signal?.aborted ? aborted(signal) : runtimeError(what, error);
  } finally {
    signal?.removeEventListener('abort', stop);
    stops.delete(stop);
  }
}
