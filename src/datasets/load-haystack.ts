import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { createEssays, type Essays } from '../prompts/essays.js';
import { sha256 } from '../utils/hash.js';
import { parseJsonStrict } from '../utils/json.js';
import { decodeText, readBytes, type TextRules, tooLarge } from '../utils/read-text.js';
import { readDataset } from './read-dataset.js';

/** Texts for haystacks, and how to tell them from others. */
export interface Haystack {
  /** Name of the data set, or of the user's file without its folder. */
  name: string;
  /** Of the text as it was read, unpacked. */
  sha256: string;
  essays: Essays;
}

/** Words that are longer are no words: the text has no spaces. */
const MAX_WORD = 1000;
const FORMATS = 'give UTF-8 text, a .json file with a field "text", or a .jsonl file with a field "text" on every line';

const RULES: TextRules = {
  code: 'DATASET_INVALID',
  // Enough for prompts of tens of millions of tokens.
  maxBytes: 64 * 2 ** 20,
  hint: FORMATS,
  readHint: 'check the path after --haystack',
};

const essay = z.object({ text: z.string() });

/**
 * Loads the running text in which needles are hidden.
 *
 * @param path the user's own: text, .json with `text` (as RULER's PaulGrahamEssays.json) or .jsonl with `text` per
 *   line, maybe gzipped; default: the texts in datasets/haystack
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function loadHaystack(path?: string): Promise<Haystack> {
  if (path === undefined) {
    const { text, sha256: hash } = await readDataset('haystack', 'essays.jsonl.gz');
    return { name: 'haystack', sha256: hash, essays: createEssays(parseTexts(text, '.jsonl', 'haystack')) };
  }
  const packed = await readBytes(path, RULES);
  const bytes = path.toLowerCase().endsWith('.gz') ? await unpack(packed, path) : packed;
  const extension = /\.\w+$/.exec(path.replace(/\.gz$/i, ''))?.[0].toLowerCase();
  const essays = createEssays(parseTexts(decodeText(bytes, path, RULES), extension, path));
  checkWords(essays, path);
  return { name: basename(path), sha256: sha256(bytes), essays };
}

function parseTexts(text: string, extension: string | undefined, name: string): string[] {
  if (extension === '.json') return [field(text, name)];
  if (extension !== '.jsonl') return [text];
  const lines = text.split('\n').map((line, index) => ({ line, name: `${name}, line ${index + 1}` }));
  return lines.filter(({ line }) => line.trim() !== '').map(({ line, name }) => field(line, name));
}

function field(json: string, name: string): string {
  const result = essay.safeParse(parseJsonStrict(json, { name, code: 'DATASET_INVALID', hint: FORMATS }));
  if (result.success) return result.data.text;
  throw invalid(name, 'expected an object with the text in "text", found none');
}

async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: RULES.maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, RULES);
    throw invalid(path, `expected gzip data, found something else (${(cause as Error).message})`);
  }
}

function checkWords({ words }: Essays, name: string): void {
  if (words.length === 0) throw invalid(name, 'expected text, found none');
  const longest = words.reduce((length, word) => Math.max(length, word.length), 0);
  if (longest > MAX_WORD) {
    throw invalid(name, `expected words separated by spaces, found one of ${longest} characters`);
  }
}

const invalid = (name: string, problem: string) =>
  new MinferenceError('DATASET_INVALID', `${name}: ${problem}`, { hint: FORMATS });
