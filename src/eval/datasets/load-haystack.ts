import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import { createEssays, type Essays } from '../../prompts/essays.js';
import { sha256 } from '../../utils/hash.js';
import { parseJsonStrict } from '../../utils/json.js';
import { readDataset } from './read-dataset.js';

/** Texts for haystacks, and how to tell them from others. */
export interface Haystack {
  /** Name of the data set, or of the user's file without its folder. */
  name: string;
  /** Of the text as it was read, unpacked. */
  sha256: string;
  essays: Essays;
}

/** Enough for prompts of tens of millions of tokens. */
const MAX_BYTES = 64 * 2 ** 20;
/** Words that are longer are no words: the text has no spaces. */
const MAX_WORD = 1000;
const FORMATS = 'give UTF-8 text, a .json file with a field "text", or a .jsonl file with a field "text" on every line';

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
  const bytes = await readUserFile(path);
  const extension = /\.\w+$/.exec(path.replace(/\.gz$/i, ''))?.[0].toLowerCase();
  const essays = createEssays(parseTexts(decode(bytes, path), extension, path));
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

async function readUserFile(path: string): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw invalid(path, 'expected a file, found a folder or device');
    if (stats.size > MAX_BYTES) throw tooLarge(path);
    const bytes = await readFile(path);
    return path.toLowerCase().endsWith('.gz') ? await unpack(bytes, path) : bytes;
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: 'check the path after --haystack',
      cause,
    });
  }
}

async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path);
    throw invalid(path, `expected gzip data, found something else (${(cause as Error).message})`);
  }
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(name, 'expected UTF-8 text, found other bytes');
  }
}

function checkWords({ words }: Essays, name: string): void {
  if (words.length === 0) throw invalid(name, 'expected text, found none');
  const longest = words.reduce((length, word) => Math.max(length, word.length), 0);
  if (longest > MAX_WORD) {
    throw invalid(name, `expected words separated by spaces, found one of ${longest} characters`);
  }
}

const tooLarge = (name: string) => invalid(name, `expected at most ${MAX_BYTES / 2 ** 20} MiB of text, found more`);

const invalid = (name: string, problem: string) =>
  new MinferenceError('DATASET_INVALID', `${name}: ${problem}`, { hint: FORMATS });
