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
/** The ops keep the first 30 columns whatever happens: fewer cannot be had. */
const MIN_VERTICAL = 30;

/**
 * The paper's space for another length or budget: all sizes scaled by keys per row, budget against the paper's own. At
 * 30,000 tokens and `a_shape:1024,4096` it is Table 7 itself.
 */
export function searchSpace(
  budget: Budget,
  at: { length: number; headDim: number; geometry: TileGeometry },
): Candidate[] {
  const paperKeys = aShapeFlops(PAPER, PAPER.length, at.headDim, at.geometry) / PAPER.length;
  const scale = budget.flops / at.length / paperKeys;
  const unique = new Map<string, Candidate>();
  for (const candidate of PAPER_SPACE) {
    const scaled = scaleCandidate(candidate, scale, at.length);
    const key = JSON.stringify(scaled);
    if (!unique.has(key)) unique.set(key, scaled);
  }
  return [...unique.values()];
}

function scaleCandidate(candidate: Candidate, scale: number, length: number): Candidate {
  const size = (value: number, least = 1) => Math.min(length, Math.max(least, Math.round(value * scale)));
  switch (candidate.type) {
    case 'a_shape':
      return { ...candidate, sink: size(candidate.sink), window: size(candidate.window) };
    case 'vertical_slash':
      return { ...candidate, vertical: size(candidate.vertical, MIN_VERTICAL), slash: size(candidate.slash) };
    case 'block_sparse':
      return { ...candidate, blocks: size(candidate.blocks) };
  }
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
