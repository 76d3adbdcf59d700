import { MinferenceError } from '../errors.js';
import type { ModelConfig } from '../model/config.js';
import { promptTooLong } from './chat.js';

/** @throws MinferenceError PROMPT_INVALID (empty, ids outside the vocabulary), PROMPT_TOO_LONG */
export function checkTokens(tokens: readonly number[], config: ModelConfig): void {
  if (tokens.length === 0) {
    throw new MinferenceError('PROMPT_INVALID', 'expected at least one token, found an empty prompt', {
      hint: 'Give a prompt.',
    });
  }
  if (tokens.length > config.contextLength) throw promptTooLong(tokens.length, config.contextLength);
  const wrong = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocabSize);
  if (wrong !== undefined) {
    throw new MinferenceError(
      'PROMPT_INVALID',
      `expected token ids from 0 to ${config.vocabSize - 1}, found ${wrong}`,
      { hint: 'Tokenizer and model do not belong together: keep the files that were exported together.' },
    );
  }
}
