import { MinferenceError } from '../../errors.js';
import { ascending, fittingLengths } from '../default-lengths.js';
import { type MethodSpec, parseMethods } from '../methods/parse-methods.js';
import type { PplOptions } from './options.js';

const DEFAULT_LENGTHS: readonly number[] = [1024, 2048, 4096, 8192, 16_384];
const DEFAULT_DOCUMENTS = 10;

/** The options, filled up with defaults. */
export interface PplPlan {
  /** Ascending. */
  lengths: readonly number[];
  documents: number;
  window: number;
  stride: number;
  methods: readonly MethodSpec[];
}

/**
 * @param contextLength the model's positions
 * @throws {MinferenceError} USAGE
 */
export function planPpl(options: PplOptions, contextLength: number): PplPlan {
  const { documents = DEFAULT_DOCUMENTS, methods = 'dense,minference', window = contextLength } = options;
  const { lengths = fittingLengths(DEFAULT_LENGTHS, contextLength), stride = Math.max(1, Math.floor(window / 2)) } =
    options;
  if (window > contextLength) {
    throw new MinferenceError(
      'USAGE',
      `expected a window of at most ${contextLength} tokens (the model's positions), found ${window}`,
      { hint: 'give a smaller --window, or none' },
    );
  }
  if (stride >= window) {
    throw new MinferenceError('USAGE', `expected a stride below the window of ${window} tokens, found ${stride}`, {
      hint: 'give a smaller --stride: the tokens of a window that are not new are the context of its first new one',
    });
  }
  return { lengths: ascending(lengths), documents, window, stride, methods: parseMethods(methods) };
}
