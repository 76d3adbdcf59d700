import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { MinferenceError } from '../../../errors.js';
import { readFailure, readTextStream, type TextRules } from '../../../utils/read-text.js';

/** More text than fits into the positions of any model; bounds what an endless pipe can fill memory with. */
export const MAX_PROMPT_BYTES = 64 * 2 ** 20;

const GIVE_ONE = 'give --prompt <text>, --prompt-file <file>, or pipe a text into the command';

export interface PromptSource {
  /** The text itself. */
  prompt?: string;
  /** A file, or '-' for stdin. Without both, stdin. */
  promptFile?: string;
}

const RULES: TextRules = {
  code: 'PROMPT_INVALID',
  maxBytes: MAX_PROMPT_BYTES,
  hint: 'give a text in UTF-8 (to convert one: iconv -f latin1 -t utf-8 <file>), of no more than a model has positions for',
};

/** The line break that editors and echo put after the last line is not part of the prompt. */
const withoutLastLineBreak = (text: string) => text.replace(/\r?\n$/, '');

function checkNotEmpty(text: string, name: string): string {
  if (text.trim() === '') {
    throw new MinferenceError('PROMPT_INVALID', `expected a prompt from ${name}, found no text`, { hint: GIVE_ONE });
  }
  return text;
}

async function readStream(stream: Readable, name: string, signal: AbortSignal): Promise<string> {
  addAbortSignal(signal, stream);
  try {
    return checkNotEmpty(withoutLastLineBreak(await readTextStream(stream, name, RULES)), name);
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    signal.throwIfAborted();
    throw readFailure(name, cause);
  }
}

/**
 * The user's prompt: an argument, a file or stdin, as UTF-8 of at most {@link MAX_PROMPT_BYTES}. One line break at the
 * end of a file or of stdin is dropped. Never waits for a person to type.
 *
 * @throws {MinferenceError} USAGE when there is none or more than one; PROMPT_INVALID; READ_FAILED.
 */
export async function readPrompt(
  source: PromptSource,
  context: { stdin: Readable & { isTTY?: boolean }; signal: AbortSignal },
): Promise<string> {
  const { prompt, promptFile } = source;
  if (prompt !== undefined && promptFile !== undefined) {
    throw new MinferenceError('USAGE', 'expected --prompt or --prompt-file, found both', { hint: 'leave out one' });
  }
  if (prompt !== undefined) return checkNotEmpty(prompt, '--prompt');
  if (promptFile !== undefined && promptFile !== '-') {
    return readStream(createReadStream(promptFile), promptFile, context.signal);
  }
  if (context.stdin.isTTY) throw new MinferenceError('USAGE', 'expected a prompt, found none', { hint: GIVE_ONE });
  return readStream(context.stdin, 'stdin', context.signal);
}
