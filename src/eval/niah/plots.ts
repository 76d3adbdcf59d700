import { heatMapSvg } from '../../plot/heat-map.js';
import { defined } from '../../utils/defined.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { mean } from '../../utils/statistics.js';
import { aggregateOf, drawCurves, titleOf } from '../harness/draw-curves.js';
import type { EvalResults } from '../harness/results.js';

/** Pictures of an evaluation by file name, as SVG text. */
export const drawPlots = (results: EvalResults): Record<string, string> => ({
  'heatmap.svg': drawHeatMaps(results),
  'curves.svg': drawCurves(results),
});

/** One map per method: the mean score over tasks at every depth and length. */
function drawHeatMaps(results: EvalResults): string {
  const { lengths, methods, samples, tasks } = results.options;
  const depths = results.options.depths ?? [];
  const panels = methods.map(({ name }) => {
    const own = results.cells.filter((cell) => cell.method === name);
    const overall = aggregateOf(results, { method: name, length: null });
    return {
      title: name,
      ...defined({ note: overall && `mean ${overall.score.toFixed(1)}` }),
      values: depths.map((depth) =>
        lengths.map((length) => {
          const scores = own.filter((cell) => cell.depth === depth && cell.length === length).map(({ score }) => score);
          return scores.length === 0 ? null : mean(scores);
        }),
      ),
    };
  });
  const count = tasks.length * samples;
  return heatMapSvg({
    title: titleOf(results),
    note: `Score by depth of the needle and length, ${count} ${count === 1 ? 'prompt' : 'prompts'} a cell`,
    panels,
    columns: { label: 'length in tokens', ticks: lengths.map(formatTokenCount) },
    rows: { label: 'depth', ticks: depths.map((depth) => `${Math.round(depth)} %`) },
    range: [0, 100],
    scaleLabel: 'score',
    format: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(value > 99.95 ? 0 : 1)),
  });
}
