import { type ExplicitIndex, makeIndex, merged, ROW_BLOCK, type RowBlockKeys } from '../../patterns/explicit-index.js';

type IndexMaker = (tokens: number) => ExplicitIndex;

/** Of every two keys, one is in a dilated window (interval 1). */
const STEP = 2;

/**
 * First keys and every second key of a window (arXiv 2407.02490, section 4: StreamingLLM with dilated windows). Lists are those of
 * a block of 64 rows: windows end with the block, whose own keys are all there.
 */
export const dilated = (sink: number, window: number): IndexMaker =>
  byBlock((begin) => withColumns([sinkOf(sink, begin)], begin, { from: begin + ROW_BLOCK - window, to: begin }));

/** First keys, a window, and every second key of a wider window before it (ibid.: with strided windows). */
export const strided = (sink: number, window: number, wide: number): IndexMaker =>
  byBlock((begin) => {
    const near = Math.max(0, Math.min(begin, begin + ROW_BLOCK - window));
    const from = begin + ROW_BLOCK - window - wide;
    return withColumns([sinkOf(sink, begin), [near, begin]], begin, { from, to: near });
  });

/** A-shape whose last rows see everything, in whole blocks of 64 rows. */
export const triShape = (sink: number, window: number, last: number): IndexMaker =>
  byBlock((begin, tokens) => {
    if (begin + ROW_BLOCK > tokens - last) return { ranges: [[0, begin + ROW_BLOCK]] };
    return withColumns([sinkOf(sink, begin), [Math.max(0, begin + ROW_BLOCK - window), begin]], begin);
  });

const byBlock =
  (keysOf: (begin: number, tokens: number) => RowBlockKeys): IndexMaker =>
  (tokens) =>
    makeIndex(Array.from({ length: Math.ceil(tokens / ROW_BLOCK) }, (_, block) => keysOf(block * ROW_BLOCK, tokens)));

const sinkOf = (sink: number, begin: number): [number, number] => [0, Math.min(sink, begin)];

/** Ranges of keys, the block's own, and every second key from `from` to `to` that no range has. */
function withColumns(
  ranges: readonly (readonly [number, number])[],
  begin: number,
  { from, to }: { from: number; to: number } = { from: 0, to: 0 },
): RowBlockKeys {
  const kept = merged([...ranges.filter(([first, end]) => first < end), [begin, begin + ROW_BLOCK]]);
  const columns: number[] = [];
  const sinkEnd = kept[0]![0] === 0 ? kept[0]![1] : 0;
  const start = Math.max(from, sinkEnd, 0);
  // Counted from the end of the window, so that every block has the same distances.
  for (let key = start + ((((to - start) % STEP) + STEP) % STEP); key < to; key += STEP) columns.push(key);
  return { ranges: kept, columns };
}
