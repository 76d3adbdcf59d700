import { MinferenceError } from '../errors.js';
import type { NativeError } from './binding-types.js';

/**
 * An error of the addon as one of ours, with a JavaScript stack: ONNX Runtime's text, and its code where it has one.
 *
 * @param what what could not be done, in the words of the caller.
 */
export function runtimeError(what: string, error: unknown): MinferenceError {
  const { code, message } = error as Partial<NativeError>;
  const text = (message ?? String(error)).trim();
  const from = code === undefined || code === 'NATIVE' ? '' : ` (ONNX Runtime: ${code})`;
  return new MinferenceError('RUNTIME_FAILED', `${what}${from}: ${text}`, { cause: error });
}

/** Calls into the addon; what it throws becomes a {@link runtimeError}. */
export function callNative<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw runtimeError(what, error);
  }
}
