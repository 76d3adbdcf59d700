import { lineChartSvg } from '../../plot/line-chart.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { BASELINE } from '../harness/summarize.js';
import type { LatencyResults, LatencyRow } from './results.js';

/** Time to first token and speed-up of every method by length, as SVG text. */
export function drawLatencyCurves(results: LatencyResults): string {
  const { lengths, methods, rounds } = results.options;
  const rowAt = (method: string, length: number) =>
    results.rows.find((row) => row.method === method && row.length === length);
  const lines = (value: (row: LatencyRow) => LatencyRow['speedup']) =>
    methods
      .map(({ name }) => {
        const spreads = lengths.map((length) => {
          const row = rowAt(name, length);
          return row ? value(row) : null;
        });
        return {
          name,
          values: spreads.map((spread) => spread?.median ?? null),
          intervals: spreads.map((spread) => (spread ? ([spread.low, spread.high] as const) : null)),
        };
      })
      .filter(({ values }) => values.some((number) => number !== null));
  const times = lines(({ prefill_ms }) => prefill_ms);
  const speeds = lines(({ speedup }) => speedup);
  return lineChartSvg({
    title: `${results.model.id} on ${results.device.kind}: time to first token`,
    note: `medians of ${rounds} rounds; bars: the fastest and the slowest`,
    xLabel: 'length in tokens',
    xTicks: lengths.map(formatTokenCount),
    panels: [
      { title: 'Prefill', yLabel: 'milliseconds', series: times, format: digits },
      ...(speeds.length === 0
        ? []
        : [
            {
              title: 'Speed-up',
              yLabel: 'dense time / time',
              series: [{ name: BASELINE, values: lengths.map(() => 1) }, ...speeds],
              format: (value: number) => `${digits(value)}×`,
            },
          ]),
    ],
  });
}

const digits = (value: number) => String(Number(value.toPrecision(3)));
