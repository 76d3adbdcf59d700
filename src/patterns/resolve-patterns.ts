import { checkMatrix } from './check-matrix.js';
import { checkModel, type ModelAtHand } from './check-model.js';
import { findPatterns } from './find-patterns.js';
import type { HeadChoice } from './head-choice.js';
import { loadPatterns } from './load-patterns.js';
import { parsePatternFile } from './parse-pattern-file.js';
import type { PatternFile } from './pattern-file.js';
import { patternMatrix } from './to-matrix.js';

/**
 * `'dense'`, `'auto'` (the file in configs/ that was made for the model, else dense), the path of a pattern file, its
 * contents, or the patterns themselves as [layer][head].
 */
export type Patterns = 'dense' | 'auto' | (string & {}) | PatternFile | readonly (readonly HeadChoice[])[];

export interface ResolvedPatterns {
  /** As [layer][head]. */
  matrix: readonly (readonly HeadChoice[])[] | 'dense';
  /** Null for dense attention and for bare patterns. */
  file: PatternFile | null;
  /** Path of the file; null where there is none. */
  path: string | null;
}

const DENSE: ResolvedPatterns = { matrix: 'dense', file: null, path: null };

/**
 * Reads what `patterns` stands for and checks it: the schema and, for a whole file, fingerprint and shapes of the model.
 *
 * @param options.ignoreFingerprint accept patterns of another export of the model; shapes must agree all the same
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH
 */
export async function resolvePatterns(
  patterns: Patterns,
  model: ModelAtHand,
  options: { ignoreFingerprint?: boolean } = {},
): Promise<ResolvedPatterns> {
  if (patterns === 'dense') return DENSE;
  if (patterns === 'auto') {
    const found = await findPatterns(model);
    return found ? fromFile(found.file, found.path) : DENSE;
  }
  if (typeof patterns === 'string') return fromFile(await loadPatterns(patterns, model, options), patterns);
  if (Array.isArray(patterns)) {
    checkMatrix(patterns);
    return { ...DENSE, matrix: patterns };
  }
  const name = 'patterns';
  const file = parsePatternFile(patterns, name);
  checkModel(file, model, { name, ...options });
  return fromFile(file, null);
}

const fromFile = (file: PatternFile, path: string | null): ResolvedPatterns => ({
  matrix: patternMatrix(file),
  file,
  path,
});
