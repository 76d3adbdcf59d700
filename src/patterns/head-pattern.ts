/** Which keys one attention head computes. Sizes are in tokens, except `blocks`, in blocks of 64 keys. */
export type HeadPattern =
  | { type: 'dense' }
  | { type: 'a_shape'; sink: number; window: number }
  | { type: 'vertical_slash'; vertical: number; slash: number }
  | { type: 'block_sparse'; blocks: number };

export type PatternType = HeadPattern['type'];

/** What people call them, the likeliest winner of a search first. */
export const PATTERN_NAMES: Readonly<Record<PatternType, string>> = {
  vertical_slash: 'vertical-slash',
  a_shape: 'A-shape',
  block_sparse: 'block-sparse',
  dense: 'dense',
};

/** `kind` of a row of the ops' `head_patterns` and `candidates` inputs; mirrors kernels/include/minference/pattern.h. */
export const PATTERN_KIND = { dense: 0, a_shape: 1, vertical_slash: 2, block_sparse: 3 } as const satisfies Record<
  PatternType,
  number
>;

/** Bits of the `flags` column; mirrors kernels/include/minference/pattern.h. */
export const PATTERN_FLAG = {
  /** Compute the pattern even where dense would be as cheap. */
  noFallback: 1,
  /** AttentionProbe only: `a` is adjusted in steps of 50 until the cost meets the budget (paper, Algorithm 1). */
  fitA: 2,
  /** The same for `b`. */
  fitB: 4,
  /** SparseAttention only: its outputs hold the indices of the call. */
  giveIndex: 8,
} as const;

/** The flags from this bit on, with giveIndex: capacity of SnapKV, whose choice those outputs hold instead. */
const KEPT_SHIFT = 4;
/** Largest capacity that fits there. */
export const MAX_KEPT = 2 ** (31 - KEPT_SHIFT) - 1;

/** Flags that ask for what SnapKV keeps of the cache. */
export const giveKept = (capacity: number): number => PATTERN_FLAG.giveIndex | (capacity << KEPT_SHIFT);

/** One row of `head_patterns` (int32 [num_heads, 4]): kind, a, b, flags. */
export function encodeHeadPattern(pattern: HeadPattern, flags = 0): [number, number, number, number] {
  const kind = PATTERN_KIND[pattern.type];
  switch (pattern.type) {
    case 'dense':
      return [kind, 0, 0, flags];
    case 'a_shape':
      return [kind, pattern.sink, pattern.window, flags];
    case 'vertical_slash':
      return [kind, pattern.vertical, pattern.slash, flags];
    case 'block_sparse':
      return [kind, pattern.blocks, 0, flags];
  }
}

/** The inverse of {@link encodeHeadPattern} for a kind and its two sizes. */
export function decodeHeadPattern(kind: number, a: number, b: number): HeadPattern {
  switch (kind) {
    case PATTERN_KIND.dense:
      return { type: 'dense' };
    case PATTERN_KIND.a_shape:
      return { type: 'a_shape', sink: a, window: b };
    case PATTERN_KIND.vertical_slash:
      return { type: 'vertical_slash', vertical: a, slash: b };
    case PATTERN_KIND.block_sparse:
      return { type: 'block_sparse', blocks: a };
    default:
      throw new RangeError(`expected a pattern kind from 0 to 3, found ${kind}`);
  }
}
