import { type ErrorCode, MinferenceError } from '../errors.js';
import { readTextFile } from './read-text.js';

/** Deeper nesting than any file of ours has; bounds the work on hostile input. */
const MAX_DEPTH = 64;
const DAMAGED = 'the file is damaged or was edited by hand: correct that place or make the file again';

export interface JsonSource {
  /** What to call the text in errors, usually its path. */
  name: string;
  /** Code of the errors. */
  code: ErrorCode;
  /** What to do about a broken file. */
  hint?: string;
}

/**
 * Parses JSON and refuses what `JSON.parse` lets pass: keys given twice (the last one would win silently) and nesting
 * beyond {@link MAX_DEPTH} levels.
 *
 * @throws {MinferenceError} `source.code`, naming the place.
 */
export function parseJsonStrict(text: string, source: JsonSource): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw failure(source, `expected JSON, found a syntax error: ${(cause as Error).message}`, cause);
  }
  const problem = findStructuralProblem(text);
  if (problem !== undefined) throw failure(source, problem);
  return value;
}

/**
 * Reads a JSON file of bounded size: the size is checked before anything is read.
 *
 * @throws {MinferenceError} READ_FAILED when there is no such file; `code` when it is too large, not UTF-8 or not JSON.
 */
export async function readJsonFile(
  path: string,
  options: { code: ErrorCode; maxBytes: number; hint?: string },
): Promise<unknown> {
  const { code, maxBytes, hint = DAMAGED } = options;
  const text = await readTextFile(path, { code, maxBytes, hint, content: 'JSON' });
  return parseJsonStrict(text, { name: path, code, hint });
}

function failure(source: JsonSource, problem: string, cause?: unknown): MinferenceError {
  return new MinferenceError(source.code, `${source.name}: ${problem}`, {
    hint: source.hint ?? DAMAGED,
    cause,
  });
}

interface Level {
  /** Keys so far; null for arrays. */
  keys: Set<string> | null;
  /** The key or index being read. */
  at: string | number;
}

const QUOTE = 34;
const BACKSLASH = 92;

/** Walks a text that is known to be JSON; returns what is wrong with its structure, if anything. */
function findStructuralProblem(text: string): string | undefined {
  const levels: Level[] = [];
  let expectKey = false;
  for (let index = 0; index < text.length; index++) {
    const level = levels.at(-1);
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const end = endOfString(text, index);
        if (expectKey && level?.keys) {
          const key = JSON.parse(text.slice(index, end + 1)) as string;
          if (level.keys.has(key)) return `expected every key once, found ${JSON.stringify(key)} twice${place(levels)}`;
          level.keys.add(key);
          level.at = key;
          expectKey = false;
        }
        index = end;
        break;
      }
      case 123: // {
      case 91: {
        // [
        if (levels.length >= MAX_DEPTH) return `expected at most ${MAX_DEPTH} levels of nesting, found more`;
        const isObject = text.charCodeAt(index) === 123;
        levels.push({ keys: isObject ? new Set() : null, at: isObject ? '' : 0 });
        expectKey = isObject;
        break;
      }
      case 125: // }
      case 93: // ]
        levels.pop();
        expectKey = false;
        break;
      case 44: // ,
        if (level?.keys) expectKey = true;
        else if (level) level.at = (level.at as number) + 1;
        break;
    }
  }
  return undefined;
}

/** Index of the quote that ends the string starting at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = start + 1; ; end++) {
    const code = text.charCodeAt(end);
    if (code === BACKSLASH) end++;
    else if (code === QUOTE) return end;
  }
}

function place(levels: readonly Level[]): string {
  const path = levels.slice(0, -1).map((level) => level.at);
  return path.length === 0 ? '' : ` in ${path.join('.')}`;
}
