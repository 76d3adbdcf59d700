import { lineChartSvg } from '../../plot/line-chart.js';
import { formatQuantity } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { BASELINE } from '../harness/summarize.js';
import type { PplResults, PplRow } from './results.js';

/** Perplexity of every method by length, and beside it its difference to dense and its speed, as SVG text. */
export function drawPplCurves(results: PplResults): string {
  const { lengths, methods } = results.options;
  const series = methods.map(({ name }) => ({
    name,
    rows: lengths.map((length) => results.rows.find((row) => row.method === name && row.length === length)),
  }));
  type Value = (row: PplRow) => number | null;
  const lines = (value: Value, low?: Value, high?: Value) =>
    series
      .filter(({ rows }) => rows.some((row) => row && value(row) !== null))
      .map(({ name, rows }) => ({
        name,
        values: rows.map((row) => row && value(row)).map((number) => number ?? null),
        intervals: rows.map((row) => {
          const [from, to] = [row && low?.(row), row && high?.(row)];
          return typeof from === 'number' && typeof to === 'number' ? ([from, to] as const) : null;
        }),
      }));
  const zero = { name: BASELINE, values: lengths.map(() => 0) };
  const perplexities = lines(({ perplexity }) => perplexity);
  const differences = lines(
    ({ difference }) => difference,
    (row) => row.difference_low,
    (row) => row.difference_high,
  );
  const speeds = lines(({ speedup }) => speedup);
  return lineChartSvg({
    title: `${results.model.id}: perplexity`,
    note: `${formatQuantity(results.data.documents.length, 'document')} of ${results.data.name}; bars: 95 % confidence of the paired difference`,
    xLabel: 'tokens of each document',
    xTicks: lengths.map(formatTokenCount),
    panels: [
      {
        title: 'Perplexity',
        yLabel: 'mean over documents',
        series: perplexities,
        range: rangeOf(perplexities.flatMap(({ values }) => values)),
        format: digits,
      },
      ...(differences.length === 0
        ? []
        : [
            {
              title: 'Difference to dense',
              yLabel: 'perplexity − dense’s',
              series: [zero, ...differences],
              range: rangeOf([0, ...differences.flatMap(({ values, intervals }) => [...values, ...intervals.flat()])]),
              format: digits,
            },
          ]),
      ...(speeds.length === 0
        ? []
        : [
            {
              title: 'Prefill speed',
              yLabel: 'dense time / time',
              series: [{ name: BASELINE, values: lengths.map(() => 1) }, ...speeds],
              format: (value: number) => `${digits(value)}×`,
            },
          ]),
    ],
  });
}

const digits = (value: number) => String(Number(value.toPrecision(3)));

/** Perplexities lie close together and far from 0: the axis holds what there is. */
function rangeOf(values: readonly (number | null)[]): readonly [number, number] {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) return [0, 1];
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const margin = (high - low) * 0.1 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}
