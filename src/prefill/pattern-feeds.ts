import { MinferenceError } from '../errors.js';
import { checkMatrix } from '../patterns/check-matrix.js';
import { encodeChoice, type HeadChoice } from '../patterns/head-choice.js';
import { giveKept, PATTERN_FLAG } from '../patterns/head-pattern.js';
import { Tensor } from '../runtime/tensor.js';
import type { DecoderParts } from './decoder-parts.js';
import { indexSources, noIndices } from './index-feeds.js';

/**
 * Patterns of all heads, [layer][head], or dense attention everywhere. Layers are the model's; those that stay as they are
 * take nothing, whatever stands there.
 */
export type LayerPatterns = readonly (readonly HeadChoice[])[] | 'dense';

interface PatternFlags {
  allowDense?: boolean;
  giveIndices?: boolean;
  snapKv?: number;
}

/**
 * The `head_patterns` inputs of every layer, int32 [num_heads, 4], and empty inputs of indices where the graph has them. A
 * graph without (the original one) runs dense.
 *
 * @param options.allowDense heads run dense where that is as fast (default); false: as their patterns say
 * @param options.giveIndices the graph's outputs of indices are filled
 * @param options.snapKv they are filled with what SnapKV keeps, up to so many tokens per head
 *
 * @throws MinferenceError PATTERNS_INVALID, PATTERNS_MISMATCH when layers or heads do not correspond, USAGE for patterns
 *   without inputs
 */
export function patternFeeds(
  { layers, numLayers, graph }: DecoderParts,
  patterns: LayerPatterns,
  { allowDense = true, giveIndices = false, snapKv }: PatternFlags = {},
): Record<string, Tensor> {
  const hint = 'Search patterns for this model: minference search.';
  if (patterns !== 'dense' && graph === 'original') {
    throw new MinferenceError('USAGE', 'expected dense attention on the original graph, found patterns', {
      hint: 'Open the decoder with graph: "prefill" to use patterns.',
    });
  }
  if (patterns !== 'dense') checkMatrix(patterns);
  if (patterns !== 'dense' && patterns.length !== numLayers) {
    throw new MinferenceError(
      'PATTERNS_MISMATCH',
      `expected patterns of ${numLayers} layers, found ${patterns.length}`,
      { hint },
    );
  }
  const gives = snapKv === undefined ? (giveIndices ? PATTERN_FLAG.giveIndex : 0) : giveKept(snapKv);
  const flags = (allowDense ? 0 : PATTERN_FLAG.noFallback) | gives;
  const feeds = noIndices({ layers });
  for (const layer of layers) {
    const heads = patterns === 'dense' ? undefined : patterns[layer.layer]!;
    if (heads && heads.length !== layer.numHeads) {
      throw new MinferenceError(
        'PATTERNS_MISMATCH',
        `layer ${layer.layer}: expected patterns of ${layer.numHeads} heads, found ${heads.length}`,
        { hint },
      );
    }
    if (layer.patternsInput === undefined) continue;
    const sources = heads ? indexSources(heads) : [];
    const numberOf = (head: HeadChoice) => (head.type === 'explicit' ? sources.indexOf(head.index) : 0);
    const rows = (heads ?? Array<HeadChoice>(layer.numHeads).fill({ type: 'dense' })).flatMap((head) =>
      encodeChoice(head, flags, numberOf(head)),
    );
    feeds[layer.patternsInput] = Tensor.fromArray('int32', Int32Array.from(rows), [layer.numHeads, 4]);
  }
  return feeds;
}
