import { MinferenceError } from '../errors.js';
import type { ChatMessage, TextTokenizer } from '../model/tokenizer.js';

const LONE_SURROGATE = /\p{Surrogate}/u;

export interface PromptOptions {
  /** Beginning of the answer, put after the generation prompt as it is. */
  answerPrefix?: string;
  /** Use the chat template; default: where there is one. */
  chat?: boolean;
  /** System message; needs a chat template. */
  system?: string;
  /** The model's positions: a text that cannot fit is refused before it is tokenised. */
  contextLength?: number;
}

/**
 * Token ids of a prompt: the user's text in the model's chat template with the generation prompt, then the answer
 * prefix. Without a template: the text with the special tokens that the model expects at the start.
 *
 * @throws MinferenceError PROMPT_INVALID, PROMPT_TOO_LONG, TOKENIZER_INVALID
 */
export function buildPrompt(tokenizer: TextTokenizer, user: string, options: PromptOptions = {}): number[] {
  const { answerPrefix = '', chat = tokenizer.hasChatTemplate, system, contextLength = Infinity } = options;
  if (user === '') {
    throw new MinferenceError('PROMPT_INVALID', 'expected a prompt, found an empty text', {
      hint: 'Give --prompt, --prompt-file or text on stdin.',
    });
  }
  if (LONE_SURROGATE.test(user + answerPrefix)) {
    throw new MinferenceError('PROMPT_INVALID', 'expected a prompt of Unicode text, found half of a surrogate pair', {
      hint: 'Save the prompt as UTF-8.',
    });
  }
  if (system !== undefined && !chat) {
    throw new MinferenceError('USAGE', 'expected a chat template for the system message, found none', {
      hint: 'Leave out --system, or put it into the prompt.',
    });
  }
  const least = Math.ceil(user.length / tokenizer.maxTokenLength);
  if (least > contextLength) throw promptTooLong(least, contextLength, 'at least ');
  if (!chat) return tokenizer.encode(user + answerPrefix);
  const messages: ChatMessage[] = [{ role: 'user', content: user }];
  if (system !== undefined) messages.unshift({ role: 'system', content: system });
  const text = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }) + answerPrefix;
  return tokenizer.encode(text, { addSpecialTokens: false });
}

/** The error for a prompt that the model has no positions for. */
export function promptTooLong(tokens: number, contextLength: number, qualifier = ''): MinferenceError {
  return new MinferenceError(
    'PROMPT_TOO_LONG',
    `expected a prompt of at most ${contextLength} tokens (the model's positions), found ${qualifier}${tokens}`,
    { hint: `Shorten the prompt by ${tokens - contextLength} tokens or more, or use a model with a longer context.` },
  );
}
