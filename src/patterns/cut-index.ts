import { type ExplicitIndex, makeIndex, ROW_BLOCK, rowBlocks, sliceIndex } from './explicit-index.js';

/**
 * The index for one run of the graph over rows `start` … `start + rows - 1`, without what lies behind them. Runs that begin with a
 * row block of the prompt take its lists as they are, so that columns that all row blocks share stay one list.
 */
export function cutIndex(index: ExplicitIndex, start: number, rows: number): ExplicitIndex {
  if (start % ROW_BLOCK !== 0) return makeIndex(sliceIndex(index, start, rows));
  const [first, count, end] = [start / ROW_BLOCK, Math.ceil(rows / ROW_BLOCK), start + rows];
  return { ...cutRanges(index, first, count, end), ...cutColumns(index, first, count, end) };
}

function cutRanges(
  { rangeOffsets, ranges }: ExplicitIndex,
  first: number,
  count: number,
  end: number,
): Pick<ExplicitIndex, 'rangeOffsets' | 'ranges'> {
  const kept = new Int32Array(2 * (rangeOffsets[first + count]! - rangeOffsets[first]!));
  const offsets = new Int32Array(count + 1);
  let size = 0;
  for (let block = 0; block < count; block++) {
    for (let i = rangeOffsets[first + block]!; i < rangeOffsets[first + block + 1]!; i++) {
      if (ranges[2 * i]! >= end) break;
      kept[size++] = ranges[2 * i]!;
      kept[size++] = Math.min(ranges[2 * i + 1]!, end);
    }
    offsets[block + 1] = size / 2;
  }
  return { rangeOffsets: offsets, ranges: kept.subarray(0, size) };
}

function cutColumns(
  { columnOffsets, columns }: ExplicitIndex,
  first: number,
  count: number,
  end: number,
): Pick<ExplicitIndex, 'columnOffsets' | 'columns'> {
  const shared = columnOffsets.length === 2;
  const [from, lists] = shared ? [0, 1] : [first, count];
  const kept = new Int32Array(columnOffsets[from + lists]! - columnOffsets[from]!);
  const offsets = new Int32Array(lists + 1);
  let size = 0;
  for (let list = 0; list < lists; list++) {
    for (let i = columnOffsets[from + list]!; i < columnOffsets[from + list + 1]!; i++) {
      if (columns[i]! >= end) break;
      kept[size++] = columns[i]!;
    }
    offsets[list + 1] = size;
  }
  return { columnOffsets: offsets, columns: kept.subarray(0, size) };
}

/** Indices of one call, one after the other, as the ops take them: all with shared columns, or none. */
export function joinIndices(indices: readonly ExplicitIndex[]): ExplicitIndex {
  const shared = indices.every(({ columnOffsets }) => columnOffsets.length === 2);
  const parts = indices.map((index) => (shared ? index : withOwnColumns(index)));
  return {
    rangeOffsets: joinOffsets(parts.map(({ rangeOffsets }) => rangeOffsets)),
    ranges: joinLists(parts.map(({ ranges }) => ranges)),
    columnOffsets: joinOffsets(parts.map(({ columnOffsets }) => columnOffsets)),
    columns: joinLists(parts.map(({ columns }) => columns)),
  };
}

/** The same index with a list of columns for every row block. */
function withOwnColumns(index: ExplicitIndex): ExplicitIndex {
  const blocks = rowBlocks(index);
  if (index.columnOffsets.length !== 2 || blocks === 1) return index;
  const { columns } = index;
  return {
    ...index,
    columnOffsets: Int32Array.from({ length: blocks + 1 }, (_, block) => block * columns.length),
    columns: joinLists(Array<ArrayLike<number>>(blocks).fill(columns)),
  };
}

function joinLists(lists: readonly ArrayLike<number>[]): Int32Array {
  const joined = new Int32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    joined.set(list, at);
    at += list.length;
  }
  return joined;
}

function joinOffsets(lists: readonly ArrayLike<number>[]): number[] {
  const joined = [0];
  for (const list of lists) {
    const base = joined.at(-1)!;
    for (let i = 1; i < list.length; i++) joined.push(base + list[i]!);
  }
  return joined;
}
