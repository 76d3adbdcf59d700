import { denseCausalFlops } from '../src/patterns/flops.js';
import { PATTERN_NAMES, type PatternType } from '../src/patterns/head-pattern.js';
import { formatCount } from '../src/utils/format.js';
import { withinBudget } from './choose.js';
import { type ChoiceFacts, headScores } from './choose-heads.js';
import { isMeasured, type SampleScores } from './scores.js';
import { staysDense } from './search-facts.js';

/**
 * A warning when some type of pattern is too expensive for most heads, as vertical-slash is at short lengths, where its
 * index alone takes much of a small budget: heads then get another type, however little it keeps. It names the budget
 * with which the type fits in every head.
 */
export function tightBudget(samples: readonly SampleScores[], facts: ChoiceFacts): string | undefined {
  const needs = new Map<PatternType, { fits: number; shares: number[] }>();
  for (const [index, layer] of facts.layers.entries()) {
    if (staysDense(facts, index)) continue;
    const dense = denseCausalFlops(facts.length, layer.headDim);
    for (let head = 0; head < layer.numHeads; head++) {
      const scores = headScores(samples, index, head).filter(isMeasured);
      for (const type of new Set(scores.map(({ pattern }) => pattern.type))) {
        const own = scores.filter(({ pattern }) => pattern.type === type);
        const need = needs.get(type) ?? { fits: 0, shares: [] };
        needs.set(type, need);
        if (own.some((score) => withinBudget(score, facts.budgets[index]!.flops))) need.fits++;
        need.shares.push(Math.min(...own.map(({ flops }) => flops)) / dense);
      }
    }
  }
  const tight = [...needs].filter(([, { fits, shares }]) => fits < shares.length / 2);
  if (tight.length === 0) return undefined;
  const percent = (shares: readonly number[]) => Math.ceil(Math.max(...shares) * 100);
  const costs = tight.map(([type, { shares }]) => `${PATTERN_NAMES[type]} (${percent(shares)} % of dense at least)`);
  return (
    `${facts.budgetText} at ${formatCount(facts.length)} tokens leaves most heads no room for ${costs.join(' and ')}: ` +
    'expect low recall; search longer prompts (--length) or give ' +
    `--budget ${percent(tight.flatMap(([, { shares }]) => shares))}%`
  );
}
