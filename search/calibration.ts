import { basename } from 'node:path';
import { MinferenceError } from '../src/errors.js';
import type { TextTokenizer } from '../src/model/tokenizer.js';
import { buildPrompt } from '../src/prefill/chat.js';
import { kvRetrieval } from '../src/prompts/kv-retrieval.js';
import { sha256 } from '../src/utils/hash.js';
import { createRandom } from '../src/utils/prng.js';
import { readCalibrationText } from './calibration-text.js';
import { fitPrompt } from './fit-prompt.js';
import { TASK_SETS, type TaskSet, taskGenerator } from './task-calibration.js';

/** Where calibration prompts come from. */
export type CalibrationSet =
  /** Key-value retrieval, the paper's calibration task. */
  | { kind: 'kv' }
  /** A task in RULER's format. */
  | { kind: TaskSet }
  /** The user's own text. */
  | { kind: 'file'; path: string };

/** One calibration prompt. */
export interface CalibrationSample {
  set: CalibrationSet;
  /** Exactly as many as were asked for, the model's chat template included. */
  tokens: number[];
  /** SHA-256 of the tokens as little-endian int32. */
  sha256: string;
}

/** More sets than anyone has use for. */
const MAX_SETS = 16;

/**
 * Reads `kv,file:notes.txt`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseCalibration(text: string): CalibrationSet[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.length > MAX_SETS) throw badSets(text);
  return [...new Set(names)].map((name) => {
    if (name === 'kv') return { kind: 'kv' };
    const task = TASK_SETS.find((set) => set === name);
    if (task) return { kind: task };
    if (name.startsWith('file:') && name.length > 'file:'.length) return { kind: 'file', path: name.slice(5) };
    throw badSets(text);
  });
}

const badSets = (text: string) =>
  new MinferenceError('USAGE', `expected calibration sets such as kv,vt or file:notes.txt, found "${text}"`, {
    hint:
      'kv is key-value retrieval (the paper’s), needle, vt, words and qa are tasks in RULER’s formats, file:<path> a ' +
      'UTF-8 text of yours; separate several by commas',
  });

/** The name under which a set stands in the pattern file: without the folders of the user's machine. */
export const setName = (set: CalibrationSet): string => (set.kind === 'file' ? `file:${basename(set.path)}` : set.kind);

/**
 * Makes the calibration prompts, set by set.
 *
 * @param options.samples prompts per set
 * @param options.length tokens of every prompt
 * @throws {MinferenceError} USAGE when the length is too short for a set; READ_FAILED, DATASET_INVALID for a file.
 */
export async function calibrationSamples(
  sets: readonly CalibrationSet[],
  options: GeneratorOptions,
): Promise<CalibrationSample[]> {
  const result: CalibrationSample[] = [];
  for (const set of sets) {
    const make = await generatorOf(set, options);
    const own = new Map<string, CalibrationSample>();
    for (let index = 0; index < options.samples; index++) {
      const tokens = make(index);
      const hash = sha256(new Uint8Array(Int32Array.from(tokens).buffer));
      own.set(hash, { set, tokens, sha256: hash });
    }
    if (own.size < options.samples) options.warn?.(tooFew(set, own.size, options));
    result.push(...own.values());
  }
  return result;
}

function generatorOf(set: CalibrationSet, options: GeneratorOptions): Generator | Promise<Generator> {
  switch (set.kind) {
    case 'kv':
      return kvGenerator(options);
    case 'file':
      return fileGenerator(set.path, options);
    default:
      return taskGenerator(set.kind, options);
  }
}

const tooFew = (set: CalibrationSet, found: number, { samples, length }: GeneratorOptions) =>
  `${setName(set)}: expected text for ${samples} different prompts of ${length} tokens, found enough for ${found}: ` +
  'the others would repeat them and are left out';

/** Makes the prompt with this index. */
type Generator = (index: number) => number[];

interface GeneratorOptions {
  tokenizer: TextTokenizer;
  length: number;
  samples: number;
  seed: number;
  /** Is told when a set has fewer different prompts than were asked for. */
  warn?: (message: string) => void;
}

/** A UUID is about 24 tokens in the vocabularies of today's models; a pair is two of them and its punctuation. */
const TOKENS_PER_PAIR = 54;
/** Shorter prompts hold too few pairs to hide one among them. */
const MIN_KV_LENGTH = 512;

/**
 * The published search used one prompt whose answer stood near the start. Here the samples share the depths evenly, each
 * somewhere within its part.
 */
function kvGenerator({ tokenizer, length, samples, seed }: GeneratorOptions): Generator {
  if (length < MIN_KV_LENGTH) {
    throw new MinferenceError('USAGE', `expected at least ${MIN_KV_LENGTH} tokens for kv, found ${length}`, {
      hint: 'patterns for shorter prompts would be dense: give a longer --length',
    });
  }
  return (index) => {
    const depth = (index + createRandom(seed, 'kv', 'depth', index).float()) / samples;
    const tokenize = (pairs: number) =>
      buildPrompt(tokenizer, kvRetrieval({ pairs, depth, random: createRandom(seed, 'kv', 'pairs', index) }).user);
    return fitPrompt({
      length,
      tokenize,
      firstGuess: length / TOKENS_PER_PAIR,
      maxUnits: length,
      cutAt: depth < 0.5 ? 0.75 : 0.25,
      name: 'kv',
    });
  };
}

/** Characters of the text from which characters per token are estimated. */
const ESTIMATE_CHARACTERS = 65_536;

/** Pieces of the text, spread evenly over it, each starting somewhere within its part. */
async function fileGenerator(path: string, options: GeneratorOptions): Promise<Generator> {
  const { tokenizer, length, samples, seed } = options;
  const text = await readCalibrationText(path);
  const head = wholeCharacters(text.slice(0, ESTIMATE_CHARACTERS));
  const perToken = head.length / tokenizer.encode(head, { addSpecialTokens: false }).length;
  const from = (start: number) =>
    fitPrompt({
      length,
      tokenize: (characters) => buildPrompt(tokenizer, wholeCharacters(text.slice(start, start + characters))),
      firstGuess: length * perToken,
      maxUnits: text.length - start,
      cutAt: 0.5,
      name: path,
    });
  return (index) => {
    const room = Math.max(0, text.length - Math.ceil(length * perToken * 1.25));
    const start = Math.floor((room * (index + createRandom(seed, 'file', index).float())) / samples);
    try {
      return from(start);
    } catch (error) {
      // A stretch of the text with unusually long tokens; from its start there is more of it.
      if (start === 0 || !(error instanceof MinferenceError) || error.code !== 'DATASET_INVALID') throw error;
      return from(0);
    }
  };
}

/** Without halves of surrogate pairs at the cuts; never empty. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '') || ' ';
}
