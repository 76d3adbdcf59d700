import { MinferenceError } from '../errors.js';
import { encodeHeadPattern, type HeadPattern } from '../patterns/head-pattern.js';
import { Tensor } from '../runtime/tensor.js';
import type { DecoderParts } from './decoder-parts.js';

/** Patterns of all heads, [layer][head], or dense attention everywhere. */
export type LayerPatterns = readonly (readonly HeadPattern[])[] | 'dense';

/**
 * The `head_patterns` inputs of every layer, int32 [num_heads, 4]. A graph without them (the original one) runs dense.
 *
 * @throws MinferenceError PATTERNS_MISMATCH when layers or heads do not correspond, USAGE for patterns without inputs
 */
export function patternFeeds({ layers, graph }: DecoderParts, patterns: LayerPatterns): Record<string, Tensor> {
  const hint = 'Search patterns for this model: minference search.';
  if (patterns !== 'dense' && graph === 'original') {
    throw new MinferenceError('USAGE', 'expected dense attention on the original graph, found patterns', {
      hint: 'Open the decoder with graph: "prefill" to use patterns.',
    });
  }
  if (patterns !== 'dense' && patterns.length !== layers.length) {
    throw new MinferenceError(
      'PATTERNS_MISMATCH',
      `expected patterns of ${layers.length} layers, found ${patterns.length}`,
      { hint },
    );
  }
  const feeds: Record<string, Tensor> = {};
  for (const [index, layer] of layers.entries()) {
    const heads = patterns === 'dense' ? undefined : patterns[index]!;
    if (heads && heads.length !== layer.numHeads) {
      throw new MinferenceError(
        'PATTERNS_MISMATCH',
        `layer ${index}: expected patterns of ${layer.numHeads} heads, found ${heads.length}`,
        { hint },
      );
    }
    if (layer.patternsInput === undefined) continue;
    const rows = heads ? heads.flatMap((pattern) => encodeHeadPattern(pattern)) : new Array(4 * layer.numHeads).fill(0);
    feeds[layer.patternsInput] = Tensor.fromArray('int32', Int32Array.from(rows), [layer.numHeads, 4]);
  }
  return feeds;
}
