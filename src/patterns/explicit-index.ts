/** Query rows of a row block, counted from the prompt's first row. */
export const ROW_BLOCK = 64;

/**
 * Keys that one head computes, by row blocks of 64 rows, for a prompt of any length up to `64 · row blocks`. Each row computes
 * those of its block's keys that it sees, so lists may go on behind the rows; nothing is added to them. The form is that
 * of the ops (kernels/README.md).
 */
export interface ExplicitIndex {
  /** [row blocks + 1]: row block r has the ranges from `rangeOffsets[r]` on. */
  rangeOffsets: ArrayLike<number>;
  /** Begin and end of each range, ascending and disjoint within a row block. */
  ranges: ArrayLike<number>;
  /** [row blocks + 1], or [2]: all row blocks have the same columns. */
  columnOffsets: ArrayLike<number>;
  /** Single keys, ascending within a row block. */
  columns: ArrayLike<number>;
}

/** Keys of one row block. */
export interface RowBlockKeys {
  /** [begin, end), ascending and disjoint. */
  ranges: readonly (readonly [begin: number, end: number])[];
  /** Ascending. */
  columns?: readonly number[];
}

/** Puts the keys of all row blocks into the form of the ops. */
export function makeIndex(blocks: readonly RowBlockKeys[]): ExplicitIndex {
  const [rangeOffsets, columnOffsets] = [[0], [0]];
  const ranges: number[] = [];
  const columns: number[] = [];
  for (const block of blocks) {
    for (const range of block.ranges) ranges.push(...range);
    for (const column of block.columns ?? []) columns.push(column);
    rangeOffsets.push(ranges.length / 2);
    columnOffsets.push(columns.length);
  }
  return { rangeOffsets, ranges, columnOffsets, columns };
}

/** Row blocks that an index has. */
export const rowBlocks = ({ rangeOffsets }: ExplicitIndex): number => rangeOffsets.length - 1;

/** Keys of row block `block`. */
export function blockKeys(index: ExplicitIndex, block: number): Required<RowBlockKeys> {
  const list = index.columnOffsets.length === 2 ? 0 : block;
  const ranges: [number, number][] = [];
  for (let i = index.rangeOffsets[block]!; i < index.rangeOffsets[block + 1]!; i++) {
    ranges.push([index.ranges[2 * i]!, index.ranges[2 * i + 1]!]);
  }
  const columns: number[] = [];
  for (let i = index.columnOffsets[list]!; i < index.columnOffsets[list + 1]!; i++) columns.push(index.columns[i]!);
  return { ranges, columns };
}

/**
 * The index for one run of the graph over rows `start` … `start + rows - 1`, whose row blocks begin at `start`: of a row block
 * that lies in two of the prompt's, the keys of both. What lies behind the run is left out.
 */
export function sliceIndex(index: ExplicitIndex, start: number, rows: number): RowBlockKeys[] {
  const end = start + rows;
  return Array.from({ length: Math.ceil(rows / ROW_BLOCK) }, (_, block) => {
    const first = start + block * ROW_BLOCK;
    const last = Math.min(end, first + ROW_BLOCK) - 1;
    const parts = [];
    for (let own = Math.floor(first / ROW_BLOCK); own <= Math.floor(last / ROW_BLOCK); own++) {
      parts.push(blockKeys(index, own));
    }
    return {
      ranges: merged(parts.flatMap(({ ranges }) => ranges)).flatMap(([from, to]): [number, number][] =>
        from < end ? [[from, Math.min(to, end)]] : [],
      ),
      columns: ascending(parts.flatMap(({ columns }) => columns)).filter((column) => column < end),
    };
  });
}

/** The same keys as ascending, disjoint ranges. */
export function merged(ranges: RowBlockKeys['ranges']): [number, number][] {
  const result: [number, number][] = [];
  for (const [begin, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before && begin <= before[1]) before[1] = Math.max(before[1], end);
    else result.push([begin, end]);
  }
  return result;
}

const ascending = (keys: number[]): number[] => [...new Set(keys)].sort((a, b) => a - b);

/** What the ops say about all heads of a layer, head by head. */
export function splitIndex(joined: ExplicitIndex, heads: number): ExplicitIndex[] {
  const part = (offsets: ArrayLike<number>, first: number, count: number) => {
    const base = offsets[first]!;
    return Array.from({ length: count + 1 }, (_, i) => offsets[first + i]! - base);
  };
  const slice = (values: ArrayLike<number>, begin: number, end: number) =>
    Int32Array.from({ length: end - begin }, (_, i) => values[begin + i]!);
  const blocks = rowBlocks(joined) / heads;
  const lists = (joined.columnOffsets.length - 1) / heads;
  return Array.from({ length: heads }, (_, head) => ({
    rangeOffsets: part(joined.rangeOffsets, head * blocks, blocks),
    ranges: slice(
      joined.ranges,
      2 * joined.rangeOffsets[head * blocks]!,
      2 * joined.rangeOffsets[(head + 1) * blocks]!,
    ),
    columnOffsets: part(joined.columnOffsets, head * lists, lists),
    columns: slice(joined.columns, joined.columnOffsets[head * lists]!, joined.columnOffsets[(head + 1) * lists]!),
  }));
}
