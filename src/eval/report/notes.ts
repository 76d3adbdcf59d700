import { formatQuantity } from '../../utils/format.js';
import { isNoise, NOISE } from '../format-difference.js';
import { differences } from './facts.js';
import type { ReportSection } from './sections.js';

/** What a reader must know before the numbers. */
export function warnings(section: ReportSection): string[] {
  const { methods, cut } = section;
  const differ = differences(section);
  const failed = methods.reduce((sum, { run, name }) => sum + run.index.failed(name), 0);
  return [
    ...(differ.length === 0
      ? []
      : [
          `These runs are not of the same conditions, so that their scores and times may not be comparable: ${differ
            .map(([title, values]) => `${title}: ${values}`)
            .join(' | ')}`,
        ]),
    ...(failed > 0 ? [`${formatQuantity(failed, 'answers')} missing: they count in no score.`] : []),
    ...cut.map((what) => `There are ${what}; only the first ones are shown. The CSV has all.`),
  ];
}

/** What the signs in the tables mean. */
export function legend({ methods, runs }: ReportSection): string[] {
  const means = methods.map(({ run, name }) => run.index.mean(name, null));
  const noisy = runs.some(({ results }) => [...results.rows, ...results.aggregates].some(isNoise));
  const compared = means.some((mean) => mean && mean.difference !== null);
  return [
    'Scores are in percent; below them the 95 % interval (Wilson).',
    ...(compared
      ? [
          'Signed numbers are differences to dense attention on the same prompts, in points, with their paired interval.',
        ]
      : []),
    ...(noisy ? [`${NOISE} may be chance: the 95 % interval of the paired difference holds 0.`] : []),
    ...(means.some((mean) => mean && mean.computed !== null)
      ? ['Computed: the share of the causal score matrix that attention really computed; dense attention is 100 %.']
      : []),
    ...(runs.some(({ results }) => results.effective_lengths.length > 0)
      ? ['Effective length: the longest one whose mean is above 85.6 (RULER).']
      : []),
    'Speed-up: median prefill time of dense attention / of the method, on the same prompts.',
  ];
}
