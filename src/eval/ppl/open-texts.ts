import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readDataset } from '../../datasets/read-dataset.js';
import { jsonLines } from '../../datasets/read-json-lines.js';
import {
  extensionOf,
  FORMATS,
  type NamedText,
  nameEntry,
  parseTexts,
  readTexts,
  textEntry,
} from '../../datasets/read-texts.js';
import { MinferenceError } from '../../errors.js';
import { sha256 } from '../../utils/hash.js';
import { readFailure } from '../../utils/read-text.js';

/** A document whose perplexity is measured. */
export interface TextDocument {
  /** Its file, or what the file calls it. */
  name: string;
  text: string;
  /** Of the text in UTF-8. */
  sha256: string;
}

/** Documents in a fixed order, read one after another, so that a folder of any size can be looked through. */
export interface TextSource {
  name: string;
  documents(): AsyncIterable<TextDocument>;
}

const EXTENSIONS = new Set(['.txt', '.text', '.md', '.json', '.jsonl']);
const KINDS = '.txt, .md, .json or .jsonl, each also as .gz';
const READ_HINT = 'check the path after --texts';

/**
 * Finds the texts of a folder or file; files are read later.
 *
 * @param path default: the texts in datasets/haystack
 * @throws {MinferenceError} READ_FAILED; DATASET_INVALID for a folder without texts
 */
export async function openTexts(path?: string): Promise<TextSource> {
  if (path === undefined) return { name: 'haystack', documents: shipped };
  const found = await stat(path).catch((error) => {
    throw readFailure(path, error, READ_HINT);
  });
  if (!found.isDirectory()) return { name: basename(path), documents: () => ofFiles([path]) };
  const names = (await readdir(path)).filter((name) => EXTENSIONS.has(extensionOf(name) ?? ''));
  if (names.length === 0) {
    throw new MinferenceError('DATASET_INVALID', `expected texts (${KINDS}) in the folder ${path}, found none`, {
      hint: 'give the folder that the texts lie in themselves, or one file',
    });
  }
  // PG-19 calls its books by numbers.
  const sorted = names.sort(new Intl.Collator('en', { numeric: true }).compare);
  return { name: basename(path), documents: () => ofFiles(sorted.map((name) => join(path, name))) };
}

async function* shipped(): AsyncIterable<TextDocument> {
  const { text } = await readDataset('haystack', 'essays.jsonl.gz');
  yield* parseTexts(text, '.jsonl', 'haystack').map((entry) => toDocument(entry, 'haystack'));
}

async function* ofFiles(paths: readonly string[]): AsyncIterable<TextDocument> {
  for (const path of paths) {
    // Texts of several files may have the same name.
    const file = paths.length > 1 ? basename(path) : undefined;
    for await (const entry of textsOf(path)) yield toDocument(entry, basename(path), file);
  }
}

/** A file of lines may be larger than memory. */
async function* textsOf(path: string): AsyncIterable<NamedText> {
  if (extensionOf(path) !== '.jsonl') {
    yield* (await readTexts(path, READ_HINT)).texts;
    return;
  }
  const lines = jsonLines(path, { schema: textEntry, hint: FORMATS, readHint: READ_HINT });
  for await (const { record, line } of lines) yield nameEntry(record, line);
}

const toDocument = ({ name, text }: NamedText, fallback: string, file?: string): TextDocument => ({
  name: name === undefined ? fallback : file === undefined ? name : `${file}: ${name}`,
  text,
  sha256: sha256(text),
});
