import { relative } from 'node:path';
import { MinferenceError } from '../errors.js';
import { loadPatterns } from '../patterns/load-patterns.js';
import type { PatternFile } from '../patterns/pattern-file.js';
import { resolvePatterns } from '../patterns/resolve-patterns.js';

/** A model that patterns are chosen for; an open decoder is one. */
export interface PatternedModel {
  fingerprint: string;
  layers: readonly { numHeads: number; numKvHeads: number; headDim: number }[];
}

export interface ChosenPatterns {
  /** Path of the file, or 'dense'. */
  name: string;
  /** Null for dense attention. */
  file: PatternFile | null;
  /** A line for the user when the choice was not theirs. */
  note?: string;
}

/**
 * Fails early, before a model is loaded, when the pattern file cannot be read or is no pattern file.
 *
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID
 */
export async function checkPatternsOption(choice: string): Promise<void> {
  if (choice !== 'auto' && choice !== 'dense') await loadPatterns(choice);
}

/**
 * The patterns that `--patterns` means for a model.
 *
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH
 */
export async function choosePatterns(
  choice: string,
  model: PatternedModel,
  options: { force: boolean },
): Promise<ChosenPatterns> {
  const { file, path } = await resolvePatterns(choice, model, { ignoreFingerprint: options.force });
  if (choice !== 'auto') return { name: choice, file };
  if (path !== null) return { name: relative(process.cwd(), path), file, note: `patterns: ${path}` };
  return {
    name: 'dense',
    file: null,
    note: 'dense attention: configs/ has no patterns for this model; make some with minference search and give them with --patterns',
  };
}

/** Commands that compare with dense attention need patterns. */
export function requireSparse(chosen: ChosenPatterns, purpose: string): PatternFile {
  if (chosen.file) return chosen.file;
  throw new MinferenceError('USAGE', `expected a pattern file for ${purpose}, found dense attention only`, {
    hint: 'make one with minference search and give it with --patterns <file>',
  });
}
