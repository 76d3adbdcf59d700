import type { TextTokenizer } from './tokenizer.js';

/** Turns tokens that arrive one by one into text, without ever showing half a character. */
export interface TokenStream {
  /** Text that this token completes; may be empty. */
  push(token: number): string;
  /** What is left at the end, replacement characters included. */
  end(): string;
}

/** Tokens after which the decoded text is committed, so that a step does not decode the whole answer again. */
const WINDOW = 64;
/** A character has at most four bytes: after four tokens without its end, the bytes are simply invalid. */
const MAX_HELD = 4;

/**
 * A token may be part of a multi-byte character, and decoders may join or strip spaces depending on the tokens before.
 * So the text is always the difference between two decodings of a window that starts at an earlier token, and it is
 * held back while it ends in U+FFFD, the sign of an incomplete character.
 */
export function createTokenStream(tokenizer: TextTokenizer): TokenStream {
  let window: number[] = [];
  let shown = '';
  let held = 0;

  const take = (final: boolean): string => {
    const text = tokenizer.decode(window);
    if (!final && text.endsWith('\uFFFD') && held++ < MAX_HELD) return '';
    held = 0;
    const delta = text.slice(commonPrefix(shown, text));
    shown = text;
    if (window.length >= WINDOW) {
      // One earlier token stays as context, so that a leading space is not taken for the start of the text.
      window = window.slice(-1);
      shown = tokenizer.decode(window);
    }
    return delta;
  };

  return {
    push(token) {
      window.push(token);
      return take(false);
    },
    end: () => take(true),
  };
}

/** Length of what both start with: nearly always all of `shown`, except for decoders that tidy spaces afterwards. */
function commonPrefix(shown: string, text: string): number {
  if (text.startsWith(shown)) return shown.length;
  let length = 0;
  while (length < shown.length && shown[length] === text[length]) length++;
  return length;
}
