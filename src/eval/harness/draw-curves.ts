import { type LineChartPanel, lineChartSvg } from '../../plot/line-chart.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { EvalResults, ResultAggregate } from './results.js';
import { BASELINE } from './summarize.js';

/** 'org/model: vt, cwe' or 'org/model: 13 tasks'. */
export function titleOf({ model, options }: EvalResults): string {
  const tasks = options.tasks.map(({ name }) => name);
  return `${model.id}: ${tasks.length > 3 ? `${tasks.length} tasks` : tasks.join(', ')}`;
}

/** A method's means, one per length; undefined where there is none. */
export interface MethodCurve {
  name: string;
  rows: readonly (ResultAggregate | undefined)[];
}

/** Score and speed-up of every method by length, as SVG text. */
export function drawCurves(results: EvalResults): string {
  const { lengths, methods } = results.options;
  const curves = methods.map(({ name }) => ({
    name,
    rows: lengths.map((length) => aggregateOf(results, { method: name, length })),
  }));
  const count = Math.max(0, ...results.aggregates.filter(({ length }) => length !== null).map(({ n }) => n));
  return lineChartSvg({
    title: titleOf(results),
    note: `${count} ${count === 1 ? 'prompt' : 'prompts'} a point; bars: 95 % confidence`,
    xLabel: 'length in tokens',
    xTicks: lengths.map(formatTokenCount),
    panels: [
      { title: 'Accuracy', ...accuracyPanel(curves) },
      ...(hasSpeed(curves) ? [{ title: 'Prefill speed', ...speedPanel(curves) }] : []),
    ],
  });
}

type Panel = Omit<LineChartPanel, 'title'>;

export const accuracyPanel = (curves: readonly MethodCurve[]): Panel => ({
  yLabel: 'score',
  range: [0, 100],
  series: curves.map(({ name, rows }) => ({
    name,
    values: rows.map((row) => row?.score ?? null),
    intervals: rows.map((row) => (row ? ([row.low, row.high] as const) : null)),
  })),
});

export const hasSpeed = (curves: readonly MethodCurve[]): boolean =>
  curves.some(({ rows }) => rows.some((row) => row?.speedup));

/** Dense attention is what others are compared with: 1. */
export const speedPanel = (curves: readonly MethodCurve[]): Panel => ({
  yLabel: 'dense time / time',
  series: curves.map(({ name, rows }) => ({
    name,
    values: rows.map((row) => (row?.method === BASELINE ? 1 : (row?.speedup ?? null))),
  })),
  format: (value) => `${Number(value.toPrecision(3))}×`,
});

/** The mean over the tasks of a length; null: over all lengths. */
export const aggregateOf = (
  { aggregates, options }: Pick<EvalResults, 'aggregates' | 'options'>,
  where: Pick<ResultAggregate, 'method' | 'length'>,
): ResultAggregate | undefined =>
  // With one length there is no other mean.
  aggregates.find((row) => row.method === where.method && row.length === where.length) ??
  (where.length === null && options.lengths.length === 1
    ? aggregates.find((row) => row.method === where.method)
    : undefined);
