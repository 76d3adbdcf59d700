import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { sha256 } from '../utils/hash.js';
import { parseJsonStrict } from '../utils/json.js';
import { decodeText, readBytes, type TextRules, tooLarge } from '../utils/read-text.js';

/** One text of a file. */
export interface NamedText {
  /** What the file calls it, or its line; undefined where the file is the text. */
  name: string | undefined;
  text: string;
}

export const FORMATS =
  'give UTF-8 text, a .json file with a field "text", or a .jsonl file with a field "text" on every line';

const RULES: TextRules = {
  code: 'DATASET_INVALID',
  // Enough for prompts of tens of millions of tokens.
  maxBytes: 64 * 2 ** 20,
  hint: FORMATS,
};

/** A text as JSON. */
export const textEntry = z.object({ text: z.string(), id: z.union([z.string(), z.number()]).optional() });

/**
 * Reads a file of texts: plain text, .json with `text` (as RULER's PaulGrahamEssays.json) or .jsonl with `text` per line,
 * maybe gzipped.
 *
 * @returns the texts, and the hash of the file as it was read, unpacked
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function readTexts(path: string, readHint: string): Promise<{ texts: NamedText[]; sha256: string }> {
  const rules = { ...RULES, readHint };
  const packed = await readBytes(path, rules);
  const bytes = path.toLowerCase().endsWith('.gz') ? await unpack(packed, path) : packed;
  return { texts: parseTexts(decodeText(bytes, path, rules), extensionOf(path), path), sha256: sha256(bytes) };
}

/** `.jsonl` of `a.jsonl` and of `a.jsonl.gz`. */
export const extensionOf = (path: string): string | undefined =>
  /\.\w+$/.exec(path.replace(/\.gz$/i, ''))?.[0].toLowerCase();

/** The texts of a file's content. */
export function parseTexts(text: string, extension: string | undefined, name: string): NamedText[] {
  if (extension === '.json') return [{ name: undefined, text: parseEntry(text, name).text }];
  if (extension !== '.jsonl') return [{ name: undefined, text }];
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    return [nameEntry(parseEntry(line, `${name}, line ${index + 1}`), index + 1)];
  });
}

/** A text of a line, by its own name or the line's number. */
export const nameEntry = ({ id, text }: z.infer<typeof textEntry>, line: number): NamedText => ({
  name: String(id ?? `line ${line}`),
  text,
});

function parseEntry(json: string, name: string): z.infer<typeof textEntry> {
  const result = textEntry.safeParse(parseJsonStrict(json, { name, code: 'DATASET_INVALID', hint: FORMATS }));
  if (result.success) return result.data;
  throw invalidText(name, 'expected an object with the text in "text", found none');
}

async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: RULES.maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, RULES);
    throw invalidText(path, `expected gzip data, found something else (${(cause as Error).message})`);
  }
}

export const invalidText = (name: string, problem: string): MinferenceError =>
  new MinferenceError('DATASET_INVALID', `${name}: ${problem}`, { hint: FORMATS });
