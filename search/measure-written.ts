import { encodeHeadPattern, PATTERN_FLAG } from '../src/patterns/head-pattern.js';
import type { HeadEntry } from '../src/patterns/pattern-file.js';
import type { LayerCandidates } from '../src/prefill/probe.js';
import { type Choice, measuredHead } from './choose-heads.js';
import { type ProbeSamplesOptions, probeSamples } from './probe-samples.js';
import { combineScores, isMeasured } from './scores.js';
import type { SearchFacts } from './search-facts.js';

/**
 * Measures the patterns that are written, as they are. Every prompt fits sizes of its own, and of several prompts the
 * smallest are taken: their errors, recall and cost are those of no prompt's fit.
 */
export async function measureWritten(
  { heads }: Choice,
  facts: SearchFacts,
  options: Pick<ProbeSamplesOptions, 'decoder' | 'samples' | 'progress' | 'signal'>,
): Promise<HeadEntry[][]> {
  const layers = heads.map((entries, layer) => writtenPatterns(entries, facts.budgets[layer]!.flops));
  const kept = { finished: new Map(), save: async () => {} };
  const samples = await probeSamples({ ...options, label: 'measuring', layers, kept });
  return heads.map((entries, layer) =>
    entries.map((entry, head) => {
      if (entry.type === 'dense') return entry;
      const scores = samples.map((sample) => sample[layer]![head]![0]!);
      return scores.every(isMeasured) ? measuredHead(combineScores(scores), facts.layers[layer]!, facts.length) : entry;
    }),
  );
}

function writtenPatterns(entries: readonly HeadEntry[], budgetFlops: number): LayerCandidates {
  if (entries.every(({ type }) => type === 'dense')) return { rows: [], budgetFlops };
  return {
    rows: entries.map((entry) => encodeHeadPattern(entry, PATTERN_FLAG.noFallback)),
    perHead: true,
    budgetFlops,
  };
}
