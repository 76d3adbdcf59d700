import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { MinferenceError } from '../../../errors.js';
import { formatBytes } from '../../../utils/format.js';

/** More text than fits into the positions of any model; bounds what an endless pipe can fill memory with. */
export const MAX_PROMPT_BYTES = 64 * 2 ** 20;

const GIVE_ONE = 'give --prompt <text>, --prompt-file <file>, or pipe a text into the command';

export interface PromptSource {
  /** The text itself. */
  prompt?: string;
  /** A file, or '-' for stdin. Without both, stdin. */
  promptFile?: string;
}

async function readBounded(stream: Readable, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_PROMPT_BYTES) {
      stream.destroy();
      const limit = formatBytes(MAX_PROMPT_BYTES);
      throw new MinferenceError('PROMPT_INVALID', `expected at most ${limit} of text from ${name}, found more`, {
        hint: 'no model has positions for that much text: give a part of it',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MinferenceError('PROMPT_INVALID', `expected UTF-8 text from ${name}, found other bytes`, {
      hint: 'convert it first, for example: iconv -f latin1 -t utf-8 <file>',
      cause,
    });
  }
}

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
    return checkNotEmpty(withoutLastLineBreak(decode(await readBounded(stream, name), name)), name);
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    signal.throwIfAborted();
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new MinferenceError('READ_FAILED', `cannot read the prompt from ${name}: ${reason}`, {
      hint: 'check the path and its permissions',
      cause,
    });
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
