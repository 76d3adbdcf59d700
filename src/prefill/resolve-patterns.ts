import { findPatterns } from '../patterns/find-patterns.js';
import { loadPatterns } from '../patterns/load-patterns.js';
import { patternMatrix } from '../patterns/to-matrix.js';
import type { Decoder } from './decoder.js';
import type { LayerPatterns } from './pattern-feeds.js';

export interface NamedPatterns {
  patterns: LayerPatterns;
  /** Path of the pattern file, `'given'` for a matrix, or `'dense'`. */
  name: string;
}

/**
 * Patterns as users name them.
 *
 * @param wish - path of a pattern file, patterns as [layer][head], `'dense'`, or `'auto'`: the file that comes with
 *   this package for exactly this model, else dense
 * @throws MinferenceError READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH
 */
export async function resolvePatterns(
  decoder: Pick<Decoder, 'fingerprint' | 'layers'>,
  wish: string | LayerPatterns = 'auto',
  options: { ignoreFingerprint?: boolean } = {},
): Promise<NamedPatterns> {
  if (typeof wish !== 'string') return { patterns: wish, name: 'given' };
  if (wish === 'dense') return { patterns: 'dense', name: 'dense' };
  if (wish === 'auto') {
    const found = await findPatterns(decoder);
    return found ? { patterns: patternMatrix(found.file), name: found.path } : { patterns: 'dense', name: 'dense' };
  }
  return { patterns: patternMatrix(await loadPatterns(wish, decoder, options)), name: wish };
}
