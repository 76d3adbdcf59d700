import { MinferenceError } from '../src/errors.js';
import { aShapeFlops, denseCausalFlops, type TileGeometry } from '../src/patterns/flops.js';
import { MAX_TOKENS } from '../src/patterns/limits.js';
import { formatCount, formatPercent } from '../src/utils/format.js';
import { readShare } from '../src/utils/parse-share.js';

/** What a head may cost, as the user says it. */
export type BudgetSpec =
  /** Share of the dense causal FLOPs at the length searched. */
  | { kind: 'fraction'; fraction: number }
  /** The cost of that A-shape at the length searched, as the kernel spends it; the paper's is (1024, 4096). */
  | { kind: 'a_shape'; sink: number; window: number }
  | { kind: 'flops'; flops: number };

/** What the heads of one layer may cost. */
export interface Budget {
  /** FLOPs per head. */
  flops: number;
  /** `flops` as a share of the dense causal FLOPs. */
  fraction: number;
}

const NUMBER = String.raw`(\d+(?:\.\d*)?|\.\d+)`;
const FLOPS = new RegExp(`^${NUMBER}(?:e([+]?\\d{1,2}))?\\s*([kmgtp]?)flops?$`, 'i');
const A_SHAPE = /^a_shape:(\d{1,10}),(\d{1,10})$/;
const PREFIXES: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/**
 * Reads a budget: `20%`, `0.2`, `a_shape:1024,4096`, `1.7gflops`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseBudget(text: string): BudgetSpec {
  const spec = text.trim();
  const fraction = readShare(text, 'a budget above 0 and up to 100 % of dense');
  if (fraction !== undefined) return { kind: 'fraction', fraction };
  const shape = A_SHAPE.exec(spec);
  if (shape) return { kind: 'a_shape', sink: tokens(shape[1]!, text), window: tokens(shape[2]!, text) };
  const absolute = FLOPS.exec(spec);
  if (!absolute) throw badBudget(text);
  const flops = Number(absolute[1]) * 10 ** Number(absolute[2] ?? 0) * PREFIXES[absolute[3]!.toLowerCase()]!;
  if (!(flops > 0)) throw badBudget(text);
  return { kind: 'flops', flops };
}

function tokens(digits: string, text: string): number {
  const value = Number(digits);
  if (value > MAX_TOKENS) throw badBudget(text);
  return value;
}

const badBudget = (text: string) =>
  new MinferenceError(
    'USAGE',
    `expected a budget such as 20%, 0.2, a_shape:1024,4096 (the cost of that A-shape) or 1.7gflops, found "${text}"`,
  );

/** FLOPs per head at the length searched, whole. Budgets beyond dense count as dense. */
export function resolveBudget(
  spec: BudgetSpec,
  at: { length: number; headDim: number; geometry: TileGeometry },
): Budget {
  const dense = denseCausalFlops(at.length, at.headDim);
  const flops = Math.min(dense, Math.floor(absoluteFlops(spec, dense, at)));
  return { flops, fraction: Number((flops / dense).toPrecision(6)) };
}

function absoluteFlops(
  spec: BudgetSpec,
  dense: number,
  at: { length: number; headDim: number; geometry: TileGeometry },
): number {
  switch (spec.kind) {
    case 'fraction':
      return spec.fraction * dense;
    case 'flops':
      return spec.flops;
    case 'a_shape':
      return aShapeFlops(spec, at.length, at.headDim, at.geometry);
  }
}

/** One line for people: what the budget means at this length. */
export function explainBudget(
  text: string,
  { flops, fraction }: Budget,
  { length, headDim }: { length: number; headDim: number },
): string {
  const keys = flops / (4 * headDim * length);
  return (
    `budget ${text}: ${formatPercent(fraction)} of dense at ${formatCount(length)} tokens, ` +
    `${(flops / 1e9).toPrecision(3)} GFLOP a head, about ${formatCount(keys)} keys a row`
  );
}
