import { aShapeFlops, type TileGeometry } from '../src/patterns/flops.js';
import { encodeHeadPattern, type HeadPattern, PATTERN_FLAG } from '../src/patterns/head-pattern.js';
import type { CandidateEntry } from '../src/patterns/pattern-file.js';
import type { Budget } from './budget.js';

/** A pattern to try, and which of its sizes is moved until its cost meets the budget (ChangeSpace of Algorithm 1). */
export type Candidate = Exclude<CandidateEntry, { type: 'dense' }>;

/**
 * The initial space σ of the paper (Table 7). It does not say which size ChangeSpace moves; here it is the one that the
 * candidate spends most on, so that each keeps its character: window, slashes, or columns where there are 3,000.
 */
export const PAPER_SPACE: readonly Candidate[] = [
  { type: 'a_shape', sink: 1024, window: 4096, fit: 'window' },
  { type: 'vertical_slash', vertical: 30, slash: 2048, fit: 'slash' },
  { type: 'vertical_slash', vertical: 100, slash: 1800, fit: 'slash' },
  { type: 'vertical_slash', vertical: 500, slash: 1500, fit: 'slash' },
  { type: 'vertical_slash', vertical: 3000, slash: 200, fit: 'vertical' },
  { type: 'block_sparse', blocks: 100, fit: 'blocks' },
];

/** Length and cost for which the paper wrote its space: A-shape (1024, 4096) at 30,000 tokens. */
const PAPER = { length: 30_000, sink: 1024, window: 4096 };
/**
 * Least columns of the paper's candidates when scaled down, by their columns. The ops keep the first 30 whatever happens;
 * without the others, candidates would become the same.
 */
const LEAST_VERTICAL: Record<number, number> = { 30: 30, 100: 64, 500: 128, 3000: 30 };
/** Up to so many diagonals are the nearest ones, next to each other; kForcedSlashes of the ops. */
const FORCED_SLASHES = 100;
/** Step of ChangeSpace (paper: 50); kFitStep of the ops. */
const FIT_STEP = 50;
/**
 * Nearest diagonals besides a row's own, from what is wanted down to the least. Fitting keeps a size's remainder by its
 * step: 49 is the highest floor there is.
 */
const LOCAL_DIAGONALS = [FIT_STEP - 1, 32, 16] as const;

/**
 * The paper's space for another length or budget: all sizes scaled by keys per row, budget against the paper's own. At
 * 30,000 tokens and `a_shape:1024,4096` it is Table 7 itself.
 *
 * Scaled down, two things matter that do not at the paper's sizes. A kernel computes whole tiles: sizes that are not
 * fitted are rounded to them. And every row must keep its nearest predecessors ({@link localDiagonals}).
 */
export function searchSpace(
  budget: Budget,
  at: { length: number; headDim: number; geometry: TileGeometry },
): Candidate[] {
  const paperKeys = aShapeFlops(PAPER, PAPER.length, at.headDim, at.geometry) / PAPER.length;
  const keys = budget.flops / (4 * at.headDim * at.length);
  const scale = budget.flops / at.length / paperKeys;
  const unique = new Map<string, Candidate>();
  for (const candidate of PAPER_SPACE) {
    const scaled = scaleCandidate(candidate, scale, at.length);
    const rounded = scale < 1 ? adapt(scaled, localDiagonals(keys, at.geometry), at.geometry) : scaled;
    const key = spaceKey(rounded);
    if (!unique.has(key)) unique.set(key, rounded);
  }
  return [...unique.values()];
}

/** Fitting forgets where a size started: candidates that agree in the rest are one. */
function spaceKey({ fit, ...pattern }: Candidate): string {
  return JSON.stringify({ ...pattern, fit, ...(fit ? { [fit]: 0 } : {}) });
}

function scaleCandidate(candidate: Candidate, scale: number, length: number): Candidate {
  const size = (value: number, least = 1) => Math.min(length, Math.max(least, Math.round(value * scale)));
  switch (candidate.type) {
    case 'a_shape':
      return { ...candidate, sink: size(candidate.sink), window: size(candidate.window) };
    case 'vertical_slash':
      return {
        ...candidate,
        vertical: size(candidate.vertical, LEAST_VERTICAL[candidate.vertical]),
        slash: size(candidate.slash),
      };
    case 'block_sparse':
      return { ...candidate, blocks: size(candidate.blocks) };
  }
}

/**
 * The fewest nearest diagonals a candidate may come down to: 49, or less where those of a row block would take more than
 * half of the budget. Heads that look a few tokens back build what later heads copy; the last 64 rows of a prompt, which
 * the answer objective looks at, do not show it when they cannot (search/README.md has figures).
 */
function localDiagonals(keys: number, { blockM }: TileGeometry): number {
  return LOCAL_DIAGONALS.find((diagonals) => blockM + diagonals <= keys / 2) ?? LOCAL_DIAGONALS.at(-1)!;
}

function adapt(candidate: Candidate, local: number, { blockM, blockN }: TileGeometry): Candidate {
  switch (candidate.type) {
    case 'a_shape':
      return {
        ...candidate,
        sink: Math.ceil(candidate.sink / blockN) * blockN,
        window: fitStart(candidate.window, local),
      };
    case 'vertical_slash':
      if (candidate.fit === 'slash') return { ...candidate, slash: fitStart(candidate.slash, local) };
      return { ...candidate, slash: wholeTiles(Math.max(candidate.slash, local + 1)) };
    case 'block_sparse':
      return candidate;
  }

  /** The nearest diagonals 0 … s − 1 cost a row block blockM + s − 1 keys; farther ones lie apart and cost more. */
  function wholeTiles(slash: number): number {
    return slash > FORCED_SLASHES ? slash : Math.ceil((blockM + slash - 1) / blockN) * blockN - blockM + 1;
  }
}

/** The probe moves a size in steps and keeps its remainder: with this one it cannot come down below `least`. */
function fitStart(size: number, least: number): number {
  return Math.max(0, Math.round((size - least) / FIT_STEP)) * FIT_STEP + least;
}

const FIT_FLAG = {
  sink: PATTERN_FLAG.fitA,
  vertical: PATTERN_FLAG.fitA,
  blocks: PATTERN_FLAG.fitA,
  window: PATTERN_FLAG.fitB,
  slash: PATTERN_FLAG.fitB,
} as const;

/**
 * A row of AttentionProbe's `candidates` input. The dense fallback is off: a candidate is to be measured as it is, also
 * at lengths where a prefill would take dense attention instead.
 */
export function candidateRow(candidate: Candidate): [number, number, number, number] {
  const { fit, ...pattern } = candidate;
  return encodeHeadPattern(pattern as HeadPattern, PATTERN_FLAG.noFallback | (fit ? FIT_FLAG[fit] : 0));
}
