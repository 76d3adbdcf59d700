import { heatMapSvg } from '../../plot/heat-map.js';
import { lineChartSvg } from '../../plot/line-chart.js';
import { type ScatterPoint, scatterChartSvg } from '../../plot/scatter-chart.js';
import { formatDuration } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { accuracyPanel, hasSpeed, type MethodCurve, speedPanel } from '../harness/draw-curves.js';
import { depthAxes, depthPanel } from '../harness/draw-heat-maps.js';
import { printable, shortName } from './printable.js';
import type { ReportMethod, ReportSection } from './sections.js';

/** Longer names would be wider than a drawing. */
const MAX_NAME = 44;
/** One drawing for each of the longest lengths. */
const MAX_SCATTERS = 6;

const nameOf = ({ label }: ReportMethod) => shortName(printable(label), MAX_NAME);

const curvesOf = ({ methods, lengths }: ReportSection): MethodCurve[] =>
  methods.map((method) => ({
    name: nameOf(method),
    rows: lengths.map((length) => method.run.index.mean(method.name, length)),
  }));

/** Accuracy, prefill time and speed-up by length, each an SVG. */
export function lengthCharts(section: ReportSection): string[] {
  const curves = curvesOf(section);
  const axis = { xLabel: 'length in tokens', xTicks: section.lengths.map(formatTokenCount) };
  const chart = (title: string, panel: ReturnType<typeof accuracyPanel>) =>
    lineChartSvg({ title, ...axis, panels: [{ title: '', ...panel }] });
  return [
    chart('Accuracy by length', accuracyPanel(curves)),
    chart('Prefill time by length', {
      yLabel: 'median time',
      series: curves.map(({ name, rows }) => ({ name, values: rows.map((row) => row?.prefill_ms ?? null) })),
      format: (ms) => (ms === 0 ? '0' : formatDuration(ms)),
    }),
    ...(hasSpeed(curves) ? [chart('Speed-up of the prefill by length', speedPanel(curves))] : []),
  ];
}

/** Accuracy by what attention computed, over all lengths and at each, as SVG. */
export function costCharts({ methods, lengths }: ReportSection): { drawings: string[]; unmeasured: string[] } {
  const draw = (title: string, length: number | null): string[] => {
    const points = methods.flatMap((method, index): ScatterPoint[] => {
      const mean = method.run.index.mean(method.name, length);
      if (!mean || mean.computed === null) return [];
      const interval = [mean.low, mean.high] as const;
      return [{ name: nameOf(method), index, x: mean.computed, y: mean.score, interval }];
    });
    if (points.length === 0) return [];
    const xLabel = 'computed share of dense attention';
    return [scatterChartSvg({ title, xLabel, yLabel: 'score', points, yLimits: [0, 100] })];
  };
  const unmeasured = methods.filter(({ run, name }) => run.index.mean(name, null)?.computed === null);
  return {
    drawings: [
      ...(lengths.length > 1 ? draw('Accuracy by cost: mean over all lengths', null) : []),
      ...lengths
        .slice(-MAX_SCATTERS)
        .flatMap((length) => draw(`Accuracy by cost at ${formatTokenCount(length)}`, length)),
    ],
    unmeasured: unmeasured.map(({ label }) => label),
  };
}

/**
 * Depth by length, a map per method, as SVG; none where depths were drawn.
 *
 * @param id begins the names within the drawings, which must be unique in a page
 */
export const depthMaps = ({ methods, lengths, depths }: ReportSection, id: string): string[] =>
  depths.length === 0
    ? []
    : methods.map((method, index) => {
        const { run, name } = method;
        const { note = '', values } = depthPanel(run.results, name, { lengths, depths });
        return heatMapSvg({
          title: nameOf(method),
          note,
          panels: [{ title: '', values }],
          ...depthAxes({ lengths, depths }),
          scaleId: `${id}-${index}`,
        });
      });
