import type { HeadEntry, PatternFile } from '../src/patterns/pattern-file.js';

/** What the search found for one layer: means over its heads. */
export interface LayerSummary {
  layer: number;
  /** Why the layer stays as it is; its numbers are NaN then. Null for layers that the search measured. */
  leftAlone: string | null;
  /** The layer's own sliding window in tokens, within which it stays dense; null for layers whose patterns were chosen. */
  window: number | null;
  /** Heads per pattern type, for the types that occur. */
  types: Partial<Record<HeadEntry['type'], number>>;
  recall: number;
  error: number;
  answerError: number;
  /** Cost as a share of dense. */
  fraction: number;
}

/** Summarises a searched file layer by layer. */
export function summarizeLayers(file: PatternFile): LayerSummary[] {
  return file.layers.map(({ heads, left_alone = null, window = null }, layer) => {
    const mean = (field: 'recall' | 'error' | 'answer_error' | 'fraction') =>
      heads.reduce((sum, head) => sum + (head[field] ?? Number.NaN), 0) / heads.length;
    const types: LayerSummary['types'] = {};
    for (const { type } of heads) types[type] = (types[type] ?? 0) + 1;
    return {
      layer,
      leftAlone: left_alone,
      window,
      types,
      recall: mean('recall'),
      error: mean('error'),
      answerError: mean('answer_error'),
      fraction: mean('fraction'),
    };
  });
}
