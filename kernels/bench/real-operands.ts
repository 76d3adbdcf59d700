import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrationSamples } from '../../search/calibration.js';
import { EMBEDDED_MODEL } from '../../src/model/embedded.js';
import { loadTokenizer, type TextTokenizer } from '../../src/model/tokenizer.js';
import { encodeHeadPattern } from '../../src/patterns/head-pattern.js';
import { loadPatterns } from '../../src/patterns/load-patterns.js';
import { patternMatrix } from '../../src/patterns/to-matrix.js';
import { buildPrompt } from '../../src/prefill/chat.js';
import { packageRoot } from '../../src/utils/package-root.js';
import { LayerReader } from './layer-reader.js';
import { encodeOperands } from './operand-file.js';

/** Prompts by the name that their rows in the benchmark get: tokens rounded up to a power of two. */
export const REAL_PROMPTS = { 'real-16k': shippedPrompt, 'real-32k': longPrompt } as const;
export type RealPrompt = keyof typeof REAL_PROMPTS;
/** Parts of their rows: ours, and gpu-baseline.py's. */
const PARTS = ['dense', 'index', 'attention', 'op', 'cudnn', 'flash'];

/** Heads of its layer have patterns of two kinds, and its queries and keys have seen a layer of attention. */
export const DEFAULT_LAYER = 1;
/** Another seed than the search's: the prompt is not the calibration prompt. */
const PROMPT_SEED = 1;

/** The prompts of which some row is wanted. */
export const realPromptsFor = (only: RegExp): RealPrompt[] =>
  (Object.keys(REAL_PROMPTS) as RealPrompt[]).filter((name) => PARTS.some((part) => only.test(`${name}/${part}`)));

export interface RealOperands {
  /** One per prompt. */
  files: string[];
  /** The layer's shipped patterns as minference_bench takes them: kind:a:b of every head, separated by commas. */
  patterns: string;
}

/**
 * Writes `<prompt>.qkv` for every prompt: what one layer of the embedded model attends to, run on the CPU.
 *
 * @throws {MinferenceError} as LayerReader; PATTERNS_MISMATCH when the shipped patterns are another model's
 */
export async function writeRealOperands(
  folder: string,
  options: { prompts: readonly RealPrompt[]; layer: number; log: (line: string) => void },
): Promise<RealOperands> {
  const { prompts, layer, log } = options;
  using reader = await LayerReader.open(layer);
  const tokenizer = await loadTokenizer(reader.directory);
  const patterns = await shippedPatterns(reader);
  const files: string[] = [];
  for (const prompt of prompts) {
    const started = performance.now();
    const tokens = await REAL_PROMPTS[prompt](tokenizer);
    const file = join(folder, `${prompt}.qkv`);
    await writeFile(file, encodeOperands(await reader.read(tokens)));
    files.push(file);
    const seconds = (performance.now() - started) / 1000;
    log(`${prompt}: ${tokens.length} tokens of ${EMBEDDED_MODEL}'s layer ${layer}, ${seconds.toFixed(1)} s`);
  }
  return { files, patterns };
}

/** The shipped patterns of the reader's layer, as {@link RealOperands} has them. */
export async function shippedPatterns(reader: LayerReader): Promise<string> {
  const shipped = await loadPatterns(join(packageRoot(), 'configs', `${EMBEDDED_MODEL}.json`), reader);
  const heads = patternMatrix(shipped)[reader.layer.layer]!;
  return heads.map((pattern) => encodeHeadPattern(pattern).slice(0, 3).join(':')).join(',');
}

async function shippedPrompt(tokenizer: TextTokenizer): Promise<number[]> {
  const text = await readFile(join(packageRoot(), 'datasets', 'prompts', 'kv-16k.txt'), 'utf8');
  // As `minference prefill --prompt-file` reads it.
  return buildPrompt(tokenizer, text.replace(/\n$/, ''));
}

async function longPrompt(tokenizer: TextTokenizer): Promise<number[]> {
  const options = { tokenizer, length: 32_768, samples: 1, seed: PROMPT_SEED };
  const [sample] = await calibrationSamples([{ kind: 'kv' }], options);
  return sample!.tokens;
}
