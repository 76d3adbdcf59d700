import { lineChartSvg } from '../../plot/line-chart.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { EvalResults, ResultAggregate } from './results.js';

/** 'org/model: vt, cwe' or 'org/model: 13 tasks'. */
export function titleOf({ model, options }: EvalResults): string {
  const tasks = options.tasks.map(({ name }) => name);
  return `${model.id}: ${tasks.length > 3 ? `${tasks.length} tasks` : tasks.join(', ')}`;
}

/** Score and speed-up of every method by length, as SVG text. */
export function drawCurves(results: EvalResults): string {
  const { lengths, methods } = results.options;
  const rows = methods.map(({ name }) => ({
    name,
    rows: lengths.map((length) => aggregateOf(results, { method: name, length })),
  }));
  const speed = rows
    .filter((method) => method.rows.some((row) => row?.speedup))
    .map(({ name, rows }) => ({ name, values: rows.map((row) => row?.speedup ?? null) }));
  const baseline = { name: 'dense', values: lengths.map(() => 1) };
  const count = Math.max(0, ...results.aggregates.filter(({ length }) => length !== null).map(({ n }) => n));
  return lineChartSvg({
    title: titleOf(results),
    note: `${count} ${count === 1 ? 'prompt' : 'prompts'} a point; bars: 95 % confidence`,
    xLabel: 'length in tokens',
    xTicks: lengths.map(formatTokenCount),
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
