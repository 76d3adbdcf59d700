import { denseCausalFlops } from '../src/patterns/flops.js';
import { formatCount } from '../src/utils/format.js';
import { type ChooseOptions, headScores, staysDense } from './build-file.js';
import { withinBudget } from './choose.js';
import type { SampleScores } from './scores.js';

const NAMES = { a_shape: 'A-shape', vertical_slash: 'vertical-slash', block_sparse: 'block-sparse' } as const;

/**
 * A warning when some type of pattern is too expensive for most heads, as vertical-slash is at short lengths, where its
 * index alone takes much of a small budget: heads then get another type, however little it keeps.
 */
export function tightBudget(samples: readonly SampleScores[], options: ChooseOptions): string | undefined {
  const { layers, candidates, cost, length } = options;
  const cheapest: Record<string, number[]> = {};
  for (const [index, layer] of layers.entries()) {
    if (staysDense(layer, options)) continue;
    const dense = denseCausalFlops(length, layer.headDim);
    for (let head = 0; head < layer.numHeads; head++) {
      const scores = headScores(samples, index, head, candidates.length);
      for (const type of new Set(candidates.map((candidate) => candidate.type))) {
        const own = scores.filter((_, candidate) => candidates[candidate]!.type === type);
        const fits = own.some((score) => withinBudget(score, cost.flops));
        cheapest[type] ??= [];
        cheapest[type].push(fits ? 0 : Math.min(...own.map(({ flops }) => flops)) / dense);
      }
    }
  }
  const tight = Object.entries(cheapest)
    .map(([type, shares]) => ({ type: type as keyof typeof NAMES, share: median(shares) }))
    .filter(({ share }) => share > 0);
  if (tight.length === 0) return undefined;
  const percent = (share: number) => Math.ceil(share * 100);
  const costs = tight.map(({ type, share }) => `${NAMES[type]} (${percent(share)} % of dense at least)`).join(' and ');
  return (
    `${cost.spec} at ${formatCount(length)} tokens leaves most heads no room for ${costs}: expect low recall; ` +
    `search longer prompts (--length) or give --budget ${percent(Math.max(...tight.map(({ share }) => share)))}%`
  );
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
