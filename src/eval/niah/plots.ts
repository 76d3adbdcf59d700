import { heatMapSvg } from '../../plot/heat-map.js';
import { lineChartSvg } from '../../plot/line-chart.js';
import { defined } from '../../utils/defined.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { mean } from '../../utils/statistics.js';
import type { EvalResults, ResultRow } from '../harness/results.js';
import type { NiahResults } from './niah-results.js';

/** Plots of an evaluation as SVG text. */
export function drawPlots(results: EvalResults): NiahResults['svg'] {
  return { heatMaps: drawHeatMaps(results), curves: drawCurves(results) };
}

const titleOf = ({ model, options }: EvalResults) => {
  const tasks = options.tasks.map(({ name }) => name);
  return `${model.id}: ${tasks.length > 3 ? `${tasks.length} tasks` : tasks.join(', ')}`;
};

const countOf = ({ options }: EvalResults) => options.tasks.length * options.samples;

const lengthTicks = ({ options }: EvalResults) => options.lengths.map(formatTokenCount);

/** One map per method: the mean score over tasks at every depth and length. */
function drawHeatMaps(results: EvalResults): string {
  const { lengths, depths, methods } = results.options;
  const panels = methods.map(({ name }) => {
    const own = results.cells.filter((cell) => cell.method === name);
    const overall = rowOf(results, { method: name, length: null });
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
  const count = countOf(results);
  return heatMapSvg({
    title: titleOf(results),
    note: `Score by depth of the needle and length, ${count} ${count === 1 ? 'prompt' : 'prompts'} a cell`,
    panels,
    columns: { label: 'length in tokens', ticks: lengthTicks(results) },
    rows: { label: 'depth', ticks: depths.map((depth) => `${Math.round(depth)} %`) },
    range: [0, 100],
    scaleLabel: 'score',
    format: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(value > 99.95 ? 0 : 1)),
  });
}

/** Score and speed-up of every method by length. */
function drawCurves(results: EvalResults): string {
  const { lengths, methods } = results.options;
  const rows = methods.map(({ name }) => ({
    name,
    rows: lengths.map((length) => rowOf(results, { method: name, length })),
  }));
  const speed = rows
    .filter((method) => method.rows.some((row) => row?.speedup))
    .map(({ name, rows }) => ({ name, values: rows.map((row) => row?.speedup ?? null) }));
  const baseline = { name: 'dense', values: lengths.map(() => 1) };
  const count = countOf(results) * results.options.depths.length;
  return lineChartSvg({
    title: titleOf(results),
    note: `${count} ${count === 1 ? 'prompt' : 'prompts'} a point; bars: 95 % confidence`,
    xLabel: 'length in tokens',
    xTicks: lengthTicks(results),
    panels: [
      {
        title: 'Accuracy',
        yLabel: 'score',
        range: [0, 100],
        series: rows.map(({ name, rows }) => ({
          name,
          values: rows.map((row) => row?.score ?? null),
          intervals: rows.map((row) => (row ? ([row.low, row.high] as const) : null)),
        })),
      },
      ...(speed.length === 0
        ? []
        : [
            {
              title: 'Prefill speed',
              yLabel: 'dense time / time',
              series: [baseline, ...speed],
              format: (value: number) => `${Number(value.toPrecision(3))}×`,
            },
          ]),
    ],
  });
}

const rowOf = ({ rows }: EvalResults, where: Pick<ResultRow, 'method' | 'length'>) =>
  rows.find((row) => row.task === null && row.method === where.method && row.length === where.length);
