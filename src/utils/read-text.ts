import { readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type ErrorCode, MinferenceError } from '../errors.js';
import { formatBytes } from './format.js';

/** What a text must be like, and what errors say otherwise. */
export interface TextRules {
  /** Code of the errors about the content. */
  code: ErrorCode;
  maxBytes: number;
  /** What it is called: `JSON`; by default `text`. */
  content?: string;
  /** What to do about another content. */
  hint: string;
  /** What to do when the file cannot be read. */
  readHint?: string;
}

/**
 * Reads a UTF-8 file of bounded size, without a byte order mark; kind and size are checked before anything is read.
 *
 * @throws {MinferenceError} `code` for a folder, pipe or device, too much, or other bytes; READ_FAILED
 */
export async function readTextFile(path: string, rules: TextRules): Promise<string> {
  return decodeText(await readBytes(path, rules), path, rules);
}

/** As {@link readTextFile}, for what is to be unpacked before it is text. */
export async function readBytes(path: string, rules: TextRules): Promise<Buffer> {
  const { maxBytes, content = 'text' } = rules;
  try {
    // Before opening: a pipe without a writer would never open.
    const stats = await stat(path);
    if (!stats.isFile()) throw invalid(path, `expected a file of ${content}, found a folder, pipe or device`, rules);
    if (stats.size > maxBytes) throw tooLarge(path, rules, stats.size);
    return await readFile(path);
  } catch (cause) {
    throw cause instanceof MinferenceError ? cause : readFailure(path, cause, rules.readHint);
  }
}

/**
 * Reads a stream to its end, as {@link readTextFile} does a file; pipes and terminals have no size beforehand.
 *
 * @param name what errors call the stream
 */
export async function readTextStream(stream: Readable, name: string, rules: TextRules): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > rules.maxBytes) {
      stream.destroy();
      throw tooLarge(name, rules);
    }
    chunks.push(chunk);
  }
  return decodeText(Buffer.concat(chunks), name, rules);
}

export function decodeText(bytes: Uint8Array, name: string, rules: TextRules): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(name, `expected ${rules.content ?? 'text'} in UTF-8, found other bytes`, rules, cause);
  }
}

/** The error of more than `maxBytes`; without `size`, nobody knows how much more. */
export function tooLarge(name: string, rules: TextRules, size = Number.NaN): MinferenceError {
  const [limit, found] = [formatBytes(rules.maxBytes), formatBytes(size)];
  const more = Number.isNaN(size) || found === limit ? 'more' : found;
  return invalid(name, `expected at most ${limit} of ${rules.content ?? 'text'}, found ${more}`, rules);
}

/** The error (READ_FAILED) of a file that cannot be read: which, why, what to do. */
export function readFailure(path: string, cause: unknown, hint?: string): MinferenceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const missing = code === 'ENOENT';
  const problem = missing
    ? `expected a file at ${path}, found none`
    : code === 'EISDIR'
      ? `expected a file at ${path}, found a folder`
      : `${path}: cannot be read (${message})`;
  const usual = missing ? 'check the path' : 'check the path and the permissions of the file and its folder';
  return new MinferenceError('READ_FAILED', problem, { hint: hint ?? usual, cause });
}

const invalid = (name: string, problem: string, { code, hint }: TextRules, cause?: unknown) =>
  new MinferenceError(code, `${name}: ${problem}`, { hint, cause });
