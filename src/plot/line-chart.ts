import { max } from 'd3-array';
import { scaleLinear, scalePoint } from 'd3-scale';
import { line as linePath } from 'd3-shape';
import { frameMarkup, PANEL, PLOT, PLOT_BOTTOM, TICKS } from './frame.js';
import { legendMarkup } from './legend.js';
import { markerShape, SERIES_COLORS } from './series-style.js';
import { element, escapeXml, FAINT_INK, fitText, label, svgDocument } from './svg.js';
import { thinTicks } from './thin-ticks.js';

export interface Series {
  name: string;
  /** One value per tick of the x axis; null where nothing was measured. */
  values: readonly (number | null)[];
  /** Ends of the values' confidence intervals. */
  intervals?: readonly (readonly [low: number, high: number] | null)[];
}

export interface LineChartPanel {
  title: string;
  yLabel: string;
  series: readonly Series[];
  /** Ends of the y axis; by default from 0 to beyond the largest value. */
  range?: readonly [low: number, high: number];
  /** How values of the y axis are written. */
  format?: (value: number) => string;
}

export interface LineChartOptions {
  title: string;
  /** A line under the title. */
  note?: string;
  xLabel: string;
  xTicks: readonly string[];
  /** Charts over the same x axis and the same series, side by side. */
  panels: readonly LineChartPanel[];
}

const MARGIN = 20;
const HEAD = 58;
/** Where panels have no titles of their own, and there is no note, they stand as much higher. */
const LIFT = 34;
/** Lines that coincide are set beside each other by this much, so that each is seen. */
const DODGE = 5;

/** Lines over a common x axis of categories as SVG, with the values' confidence intervals. */
export function lineChartSvg(options: LineChartOptions): string {
  const { title, note, panels } = options;
  const width = Math.max(MARGIN * 2 + panels.length * PANEL.width, 380);
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const legend = legendMarkup(
    names.map((name, index) => ({ name, index })),
    width,
    MARGIN,
  );
  const head = note === undefined && panels.every((panel) => panel.title === '') ? HEAD - LIFT : HEAD;
  const height = head + PANEL.height + legend.height + 10;
  const body = panels.map((panel, index) =>
    element(
      'g',
      { transform: `translate(${MARGIN + index * PANEL.width} ${head})` },
      '\n',
      panelMarkup(panel, options, names),
    ),
  );
  return svgDocument({ width, height }, title, [
    label(MARGIN, 28, fitText(title, width - 2 * MARGIN, 17), { 'font-size': 17, 'font-weight': 600 }),
    ...(note ? [label(MARGIN, 46, fitText(note, width - 2 * MARGIN, 12), { fill: FAINT_INK })] : []),
    ...body,
    element('g', { transform: `translate(0 ${head + PANEL.height})` }, '\n', legend.markup),
  ]);
}

function panelMarkup(panel: LineChartPanel, { xLabel, xTicks }: LineChartOptions, names: readonly string[]): string {
  const { format = String, series } = panel;
  const x = scalePoint([...xTicks.keys()], [PLOT.left, PLOT.left + PLOT.width]).padding(0.5);
  const y = scaleLinear(panel.range ?? [0, largest(series)], [PLOT_BOTTOM, PLOT.top]).nice(TICKS);
  const shown = thinTicks(xTicks, x.step(), 12);
  const axes = [
    ...frameMarkup({ ...panel, xLabel, y, format }),
    ...shown.map((index) => label(x(index)!, PLOT_BOTTOM + 18, xTicks[index]!, { 'text-anchor': 'middle' })),
  ];
  const lines = series.map((one) => {
    const index = names.indexOf(one.name);
    const shift = (index - (names.length - 1) / 2) * Math.min(DODGE, x.step() / (names.length + 1));
    return seriesMarkup(one, index, { x: (tick) => x(tick)! + shift, y, format, xTicks });
  });
  return [...axes, ...lines].map((part) => `${part}\n`).join('');
}

interface Axes {
  x: (tick: number) => number;
  y: (value: number) => number;
  format: (value: number) => string;
  xTicks: readonly string[];
}

function seriesMarkup({ name, values, intervals }: Series, index: number, { x, y, format, xTicks }: Axes): string {
  const color = SERIES_COLORS[index % SERIES_COLORS.length]!;
  const points = values.flatMap((value, tick) => (value === null ? [] : [{ tick, value }]));
  const path = linePath<(typeof points)[number]>()
    .x(({ tick }) => x(tick))
    .y(({ value }) => y(value))
    .digits(1);
  const whiskers = points.flatMap(({ tick }) => {
    const interval = intervals?.[tick];
    if (!interval) return [];
    const [y1, y2] = [y(interval[0]), y(interval[1])];
    return [element('line', { x1: x(tick), x2: x(tick), y1, y2, stroke: color, 'stroke-opacity': 0.45 })];
  });
  const markers = points.map(({ tick, value }) =>
    element(
      'g',
      { class: 'point' },
      element('title', {}, escapeXml(`${name}, ${xTicks[tick]}: ${format(value)}`)),
      markerShape(index, x(tick), y(value)),
    ),
  );
  const line = element('path', { d: path(points) ?? '', fill: 'none', stroke: color, 'stroke-width': 2 });
  return element('g', { class: 'series' }, ...whiskers, ...(points.length > 1 ? [line] : []), ...markers);
}

/** Below this a scale would be made of rounding errors. */
const MIN_RANGE = 1e-9;

function largest(series: readonly Series[]): number {
  const value = max(series.flatMap((one) => one.values.filter((value) => value !== null))) ?? 0;
  return value > MIN_RANGE ? value : 1;
}
