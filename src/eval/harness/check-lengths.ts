import { MinferenceError } from '../../errors.js';
import type { ModelConfig } from '../../model/config.js';

/** @throws {MinferenceError} PROMPT_TOO_LONG when a length exceeds the model's positions. */
export function checkLengths(lengths: readonly number[], { contextLength }: Pick<ModelConfig, 'contextLength'>): void {
  const tooLong = lengths.find((length) => length > contextLength);
  if (tooLong === undefined) return;
  throw new MinferenceError(
    'PROMPT_TOO_LONG',
    `expected lengths of at most ${contextLength} tokens (the model's positions), found ${tooLong}`,
    { hint: 'leave the longer ones out of --lengths, or use a model with a longer context' },
  );
}
