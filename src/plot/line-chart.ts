import { max } from 'd3-array';
import { scaleLinear, scalePoint } from 'd3-scale';
import { line as linePath } from 'd3-shape';
import { markerShape, SERIES_COLORS } from './series-style.js';
import { element, escapeXml, FAINT_INK, fitText, GRID_INK, label, svgDocument, textWidth } from './svg.js';

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
const PLOT = { width: 340, height: 220, left: 56, right: 24, top: 34, bottom: 54 };
const PANEL = { width: PLOT.left + PLOT.width + PLOT.right, height: PLOT.top + PLOT.height + PLOT.bottom };
const LEGEND_LINE = 20;
/** About as many round numbers stand at the y axis. */
const TICKS = 5;
/** Lines that coincide are set beside each other by this much, so that each is seen. */
const DODGE = 5;

/** Lines over a common x axis of categories as SVG, with the values' confidence intervals. */
export function lineChartSvg(options: LineChartOptions): string {
  const { title, note, panels } = options;
  const width = Math.max(MARGIN * 2 + panels.length * PANEL.width, 380);
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const legend = legendMarkup(names, width);
  const height = HEAD + PANEL.height + legend.height + 10;
  const body = panels.map((panel, index) =>
    element(
      'g',
      { transform: `translate(${MARGIN + index * PANEL.width} ${HEAD})` },
      '\n',
      panelMarkup(panel, options, names),
    ),
  );
  return svgDocument({ width, height }, title, [
    label(MARGIN, 28, fitText(title, width - 2 * MARGIN, 17), { 'font-size': 17, 'font-weight': 600 }),
    ...(note ? [label(MARGIN, 46, fitText(note, width - 2 * MARGIN, 12), { fill: FAINT_INK })] : []),
    ...body,
    element('g', { transform: `translate(0 ${HEAD + PANEL.height})` }, '\n', legend.markup),
  ]);
}

function panelMarkup(panel: LineChartPanel, { xLabel, xTicks }: LineChartOptions, names: readonly string[]): string {
  const { format = String, series } = panel;
  const bottom = PLOT.top + PLOT.height;
  const x = scalePoint([...xTicks.keys()], [PLOT.left, PLOT.left + PLOT.width]).padding(0.5);
  const y = scaleLinear(panel.range ?? [0, largest(series)], [bottom, PLOT.top]).nice(TICKS);
  const axes = [
    label(PLOT.left, 16, panel.title, { 'font-size': 14, 'font-weight': 600 }),
    ...y
      .ticks(TICKS)
      .flatMap((tick) => [
        element('line', { x1: PLOT.left, x2: PLOT.left + PLOT.width, y1: y(tick), y2: y(tick), stroke: GRID_INK }),
        label(PLOT.left - 8, y(tick) + 4, format(tick), { 'text-anchor': 'end' }),
      ]),
    ...xTicks.map((tick, index) => label(x(index)!, bottom + 18, tick, { 'text-anchor': 'middle' })),
    label(PLOT.left + PLOT.width / 2, bottom + 40, xLabel, { 'text-anchor': 'middle', fill: FAINT_INK }),
    label(0, 0, panel.yLabel, {
      'text-anchor': 'middle',
      fill: FAINT_INK,
      transform: `translate(12 ${PLOT.top + PLOT.height / 2}) rotate(-90)`,
    }),
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

/** Names with their markers, in as many lines as they need. */
function legendMarkup(names: readonly string[], width: number): { markup: string; height: number } {
  let [x, y] = [MARGIN + PLOT.left, 10];
  const items = names.map((name, index) => {
    const itemWidth = 34 + textWidth(name, 12);
    if (x + itemWidth > width - MARGIN && x > MARGIN + PLOT.left) [x, y] = [MARGIN + PLOT.left, y + LEGEND_LINE];
    const item = element('g', {}, markerShape(index, x, y - 4), label(x + 12, y, name));
    x += itemWidth;
    return `${item}\n`;
  });
  return { markup: items.join(''), height: y + 6 };
}

/** Below this a scale would be made of rounding errors. */
const MIN_RANGE = 1e-9;

function largest(series: readonly Series[]): number {
  const value = max(series.flatMap((one) => one.values.filter((value) => value !== null))) ?? 0;
  return value > MIN_RANGE ? value : 1;
}
