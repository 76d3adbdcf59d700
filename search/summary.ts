import type { HeadEntry, PatternFile } from '../src/patterns/pattern-file.js';
import { formatPercent } from '../src/utils/format.js';

/** What the search found for one layer: means over its heads. */
export interface LayerSummary {
  layer: number;
  /** Heads per pattern type, for the types that occur. */
  types: Partial<Record<HeadEntry['type'], number>>;
  recall: number;
  error: number;
  answerError: number;
  /** Cost as a share of dense. */
  fraction: number;
}

const SHORT_NAMES: Record<HeadEntry['type'], string> = {
  vertical_slash: 'vertical-slash',
  a_shape: 'A-shape',
  block_sparse: 'block-sparse',
  dense: 'dense',
};

/** Summarises a searched file layer by layer. */
export function summarizeLayers(file: PatternFile): LayerSummary[] {
  return file.layers.map(({ heads }, layer) => {
    const mean = (field: 'recall' | 'error' | 'answer_error' | 'fraction') =>
      heads.reduce((sum, head) => sum + (head[field] ?? Number.NaN), 0) / heads.length;
    const types: LayerSummary['types'] = {};
    for (const { type } of heads) types[type] = (types[type] ?? 0) + 1;
    return {
      layer,
      types,
      recall: mean('recall'),
      error: mean('error'),
      answerError: mean('answer_error'),
      fraction: mean('fraction'),
    };
  });
}

/** One line per layer for people. */
export function formatLayer(summary: LayerSummary): string {
  const types = Object.entries(summary.types)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${count} ${SHORT_NAMES[type as HeadEntry['type']]}`);
  return (
    `layer ${String(summary.layer).padStart(2)}  ${types.join(', ')} · recall ${formatPercent(summary.recall)} · ` +
    `answer error ${summary.answerError.toFixed(3)} · error ${summary.error.toFixed(3)} · ` +
    `cost ${formatPercent(summary.fraction)}`
  );
}
