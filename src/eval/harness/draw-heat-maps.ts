import { type HeatMapOptions, type HeatMapPanel, heatMapSvg } from '../../plot/heat-map.js';
import { defined } from '../../utils/defined.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { mean } from '../../utils/statistics.js';
import { aggregateOf, titleOf } from './draw-curves.js';
import type { EvalResults } from './results.js';

/** Lengths across and depths down. */
export interface DepthGrid {
  lengths: readonly number[];
  /** In percent of the haystack. */
  depths: readonly number[];
}

/** One map per method as SVG text: the mean score over tasks at every depth and length. */
export function drawHeatMaps(results: EvalResults): string {
  const { lengths, methods, samples, tasks, depths } = results.options;
  const grid = { lengths, depths: depths ?? [] };
  const count = tasks.length * samples;
  return heatMapSvg({
    title: titleOf(results),
    note: `Score by depth of the needle and length, ${count} ${count === 1 ? 'prompt' : 'prompts'} a cell`,
    panels: methods.map(({ name }) => depthPanel(results, name, grid)),
    ...depthAxes(grid),
  });
}

/** A method's map; a cell is null where it answered nothing. */
export function depthPanel(results: EvalResults, method: string, { lengths, depths }: DepthGrid): HeatMapPanel {
  const own = results.cells.filter((cell) => cell.method === method);
  const overall = aggregateOf(results, { method, length: null });
  return {
    title: method,
    ...defined({ note: overall && `mean ${overall.score.toFixed(1)}` }),
    values: depths.map((depth) =>
      lengths.map((length) => {
        const scores = own.filter((cell) => cell.depth === depth && cell.length === length).map(({ score }) => score);
        return scores.length === 0 ? null : mean(scores);
      }),
    ),
  };
}

/** What all maps of scores share. */
export const depthAxes = ({ lengths, depths }: DepthGrid): Omit<HeatMapOptions, 'title' | 'panels'> => ({
  columns: { label: 'length in tokens', ticks: lengths.map(formatTokenCount) },
  rows: { label: 'depth', ticks: depths.map((depth) => `${Math.round(depth)} %`) },
  range: [0, 100],
  scaleLabel: 'score',
  format: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(value > 99.95 ? 0 : 1)),
});
