import { max, min } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line as linePath } from 'd3-shape';
import { frameMarkup, PANEL, PLOT, PLOT_BOTTOM, TICKS } from './frame.js';
import { legendMarkup } from './legend.js';
import { placeLabels } from './place-labels.js';
import { markerShape, SERIES_COLORS } from './series-style.js';
import { element, escapeXml, FAINT_INK, fitText, GRID_INK, GROUND, label, svgDocument } from './svg.js';

export interface ScatterPoint {
  name: string;
  /** Its place among all series, which gives its colour and shape. */
  index: number;
  /** A share, above 0 for a place on a logarithmic axis. */
  x: number;
  y: number;
  /** Ends of y's confidence interval. */
  interval?: readonly [low: number, high: number];
}

export interface ScatterChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  points: readonly ScatterPoint[];
  /** Ends of what y can be: the axis ends there at most. */
  yLimits: readonly [low: number, high: number];
}

const MARGIN = 20;
const HEAD = 24;
const FONT_SIZE = 12;
/** Keeps names readable on lines. */
const HALO = { stroke: GROUND, 'stroke-width': 3, 'stroke-linejoin': 'round', 'paint-order': 'stroke' };
/** Shares that lie further apart than this stand on a logarithmic axis. */
const LOG_RATIO = 8;
const LOG_TICKS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** Points by a share (what something costs) and a score, with their names beside them, as SVG. */
export function scatterChartSvg({ title, xLabel, yLabel, points, yLimits }: ScatterChartOptions): string {
  const y = scaleLinear(yDomain(points, yLimits), [PLOT_BOTTOM, PLOT.top]);
  const { x, ticks } = xAxis(points.map((point) => point.x));
  const placed = points.map((point) => ({ ...point, cx: x(point.x), cy: y(point.y) }));
  const frame = { x0: PLOT.left, x1: PLOT.left + PLOT.width + PLOT.right, y0: PLOT.top - 8, y1: PLOT_BOTTOM };
  const names = placeLabels(
    placed.map(({ cx, cy, name }) => ({ x: cx, y: cy, name })),
    frame,
    FONT_SIZE,
  );
  const width = MARGIN * 2 + PANEL.width;
  // Names that found no place are told below.
  const legend = legendMarkup(
    placed.filter((_, index) => names[index] === null),
    width,
    MARGIN,
  );
  const body = [
    ...frameMarkup({ title: '', xLabel, yLabel, y, format: (value) => String(value) }),
    ...ticks.flatMap((tick) => [
      element('line', { x1: x(tick), x2: x(tick), y1: PLOT.top, y2: PLOT_BOTTOM, stroke: GRID_INK }),
      label(x(tick), PLOT_BOTTOM + 18, formatShare(tick), { 'text-anchor': 'middle' }),
    ]),
    frontierMarkup(placed),
    ...placed.map(({ index, interval, cx, cy, ...point }) => {
      const color = SERIES_COLORS[index % SERIES_COLORS.length]!;
      const whisker = interval && { x1: cx, x2: cx, y1: y(interval[0]), y2: y(interval[1]), stroke: color };
      return element(
        'g',
        { class: 'point' },
        element('title', {}, escapeXml(`${point.name}: ${point.y} at ${formatShare(point.x)}`)),
        ...(whisker ? [element('line', { ...whisker, 'stroke-opacity': 0.45 })] : []),
        markerShape(index, cx, cy),
      );
    }),
    ...placed.flatMap(({ name }, index) => {
      const place = names[index];
      return place ? [label(place.x, place.y, name, { 'text-anchor': place.anchor, class: 'name', ...HALO })] : [];
    }),
  ];
  const height = HEAD + PANEL.height + (legend.markup === '' ? 0 : legend.height + 10);
  return svgDocument({ width, height }, title, [
    label(MARGIN, 28, fitText(title, width - 2 * MARGIN, 17), { 'font-size': 17, 'font-weight': 600 }),
    element('g', { transform: `translate(${MARGIN} ${HEAD})` }, '\n', body.map((part) => `${part}\n`).join('')),
    element('g', { transform: `translate(0 ${HEAD + PANEL.height})` }, legend.markup),
  ]);
}

/** Round ends around all points and their intervals, within what is possible. */
function yDomain(points: readonly ScatterPoint[], [low, high]: readonly [number, number]): [number, number] {
  const values = points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]);
  const [from, to] = scaleLinear([min(values) ?? low, max(values) ?? high], [0, 1])
    .nice(TICKS)
    .domain() as [number, number];
  const domain: [number, number] = [Math.max(low, from), Math.min(high, to)];
  return domain[0] < domain[1] ? domain : [low, high];
}

/** From 0 to the largest share, or logarithmic where the smallest would vanish beside it. */
function xAxis(shares: readonly number[]) {
  const largest = max(shares) || 1;
  const smallest = min(shares) ?? 0;
  const range = [PLOT.left, PLOT.left + PLOT.width];
  if (smallest > 0 && largest / smallest > LOG_RATIO) {
    const x = scaleLog([smallest / 1.3, largest * 1.1], range);
    const [from, to] = x.domain() as [number, number];
    const ticks = LOG_TICKS.filter((tick) => tick >= from && tick <= to);
    return { x, ticks: ticks.length > 1 ? ticks : [smallest, largest] };
  }
  const x = scaleLinear([0, largest * 1.02], range);
  return { x, ticks: x.ticks(TICKS) };
}

/** Up and to the right along the points that no other one beats at the same cost or less. */
function frontierMarkup(points: readonly { cx: number; cy: number }[]): string {
  const frontier = [...points]
    .sort((a, b) => a.cx - b.cx || a.cy - b.cy)
    .filter(({ cy }, index, sorted) => sorted.slice(0, index).every((other) => other.cy > cy));
  const path = linePath<(typeof frontier)[number]>()
    .x(({ cx }) => cx)
    .y(({ cy }) => cy)
    .curve(curveStepAfter)
    .digits(1);
  return element('path', {
    class: 'frontier',
    d: path(frontier) ?? '',
    fill: 'none',
    stroke: FAINT_INK,
    'stroke-dasharray': '4 4',
  });
}

const formatShare = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
