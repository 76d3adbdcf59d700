import { type ScaleBand, scaleLinear } from 'd3-scale';
import { bands, middleOf } from './bands.js';
import { inkOn, scaleColor, scaleStops } from './color-scale.js';
import { element, escapeXml, FAINT_INK, fitText, label, svgDocument, textWidth } from './svg.js';
import { thinTicks } from './thin-ticks.js';

export interface HeatMapPanel {
  title: string;
  /** A line under the title. */
  note?: string;
  /** [row][column]; null where nothing was measured. */
  values: readonly (readonly (number | null)[])[];
}

export interface HeatMapOptions {
  title: string;
  /** A line under the title. */
  note?: string;
  /** Maps of the same rows and columns, side by side. */
  panels: readonly HeatMapPanel[];
  columns: { label: string; ticks: readonly string[] };
  rows: { label: string; ticks: readonly string[] };
  /** Values at the ends of the colour scale. */
  range: readonly [low: number, high: number];
  /** What the colours mean, beside their scale. */
  scaleLabel: string;
  /** Of the colour scale: another one for every drawing of a page. Default: `scale`. */
  scaleId?: string;
  /** How a value is written in its cell and its tooltip. */
  format?: (value: number) => string;
}

const MARGIN = 20;
const CELL = { maxWidth: 58, minWidth: 22, height: 30, gap: 2 };
const PANEL_WIDTH = 460;
const PANELS_PER_ROW = 3;
const HEAD = 58;
/** Above a panel's cells: where it has a title or a note, and where all of that stands over the drawing. */
const PANEL_HEAD = { named: 44, bare: 6 };
const PANEL_FOOT = 52;
const LEGEND = 50;
export const EMPTY = '#f0f0f0';

/** Maps of numbers as SVG: one cell per row and column, the number written in it, one fixed colour scale for all. */
export function heatMapSvg(options: HeatMapOptions): string {
  const { title, note, panels, columns, rows } = options;
  const layout = layoutOf(options);
  const perRow = Math.min(PANELS_PER_ROW, panels.length);
  const panelRows = Math.ceil(panels.length / perRow);
  const natural = MARGIN * 2 + perRow * layout.panelWidth;
  const width = Math.max(natural, Math.min(900, textWidth(title, 17) + 2 * MARGIN), 380);
  const height = HEAD + panelRows * layout.panelHeight + LEGEND;
  const body = panels.map((panel, index) => {
    const x = MARGIN + (width - natural) / 2 + (index % perRow) * layout.panelWidth;
    const y = HEAD + Math.floor(index / perRow) * layout.panelHeight;
    return element('g', { transform: `translate(${Math.round(x)} ${y})` }, '\n', panelMarkup(panel, options, layout));
  });
  const head = [
    label(MARGIN, 28, fitText(title, width - 2 * MARGIN, 17), { 'font-size': 17, 'font-weight': 600 }),
    ...(note ? [label(MARGIN, 46, fitText(note, width - 2 * MARGIN, 12), { fill: FAINT_INK })] : []),
  ];
  const description = `${title}: ${rows.label} by ${columns.label}`;
  return svgDocument({ width, height }, description, [...head, ...body, legend(options, width, height - LEGEND + 12)]);
}

interface Layout {
  /** Places of the columns and rows in a panel. */
  x: ScaleBand<number>;
  y: ScaleBand<number>;
  fontSize: number;
  left: number;
  panelWidth: number;
  panelHeight: number;
}

function layoutOf({ columns, rows, panels }: HeatMapOptions): Layout {
  const head = panels.some(({ title, note }) => title || note) ? PANEL_HEAD.named : PANEL_HEAD.bare;
  const left = 26 + Math.max(...rows.ticks.map((tick) => textWidth(tick, 12)));
  const cellWidth = Math.min(CELL.maxWidth, Math.max(CELL.minWidth, (PANEL_WIDTH - left) / columns.ticks.length));
  const height = CELL.height * rows.ticks.length;
  return {
    x: bands(columns.ticks.length, left, cellWidth * columns.ticks.length, CELL.gap),
    y: bands(rows.ticks.length, head, height, CELL.gap),
    fontSize: cellWidth < 32 ? 9 : cellWidth < 42 ? 11 : 12,
    left,
    panelWidth: left + Math.max(cellWidth * columns.ticks.length, 150) + 24,
    panelHeight: head + height + PANEL_FOOT,
  };
}

function panelMarkup(panel: HeatMapPanel, options: HeatMapOptions, layout: Layout): string {
  const { columns, rows } = options;
  const { x, y, left, panelWidth } = layout;
  const [top, bottom] = y.range();
  const middle = { x: (left + x.range()[1]) / 2, y: (top + bottom) / 2 };
  const room = panelWidth - left - 12;
  const parts = [
    label(left, 16, fitText(panel.title, room, 14), { 'font-size': 14, 'font-weight': 600 }),
    ...(panel.note ? [label(left, 33, fitText(panel.note, room, 11), { 'font-size': 11, fill: FAINT_INK })] : []),
    ...rows.ticks.map((tick, row) => label(left - 8, middleOf(y, row) + 4, tick, { 'text-anchor': 'end' })),
    ...thinTicks(columns.ticks, x.step(), 12).map((column) =>
      label(middleOf(x, column), bottom + 16, columns.ticks[column]!, { 'text-anchor': 'middle' }),
    ),
    label(middle.x, bottom + 36, columns.label, { 'text-anchor': 'middle', fill: FAINT_INK }),
    label(0, 0, rows.label, {
      'text-anchor': 'middle',
      fill: FAINT_INK,
      transform: `translate(10 ${Math.round(middle.y)}) rotate(-90)`,
    }),
    ...rows.ticks.flatMap((_, row) =>
      columns.ticks.map((_, column) => cell(panel.values[row]?.[column] ?? null, { row, column }, options, layout)),
    ),
  ];
  return parts.map((part) => `${part}\n`).join('');
}

function cell(
  value: number | null,
  { row, column }: { row: number; column: number },
  { range, columns, rows, format = String }: HeatMapOptions,
  { x, y, fontSize }: Layout,
): string {
  const share = value === null ? 0 : scaleLinear(range, [0, 1])(value);
  const text = value === null ? '–' : format(value);
  const where = `${rows.label} ${rows.ticks[row]}, ${columns.label} ${columns.ticks[column]}`;
  return element(
    'g',
    { class: 'cell' },
    element('title', {}, escapeXml(`${where}: ${value === null ? 'not measured' : text}`)),
    element('rect', {
      x: x(column)!,
      y: y(row)!,
      width: x.bandwidth(),
      height: y.bandwidth(),
      rx: 3,
      fill: value === null ? EMPTY : scaleColor(share),
    }),
    label(middleOf(x, column), middleOf(y, row) + 4, text, {
      'text-anchor': 'middle',
      'font-size': fontSize,
      fill: value === null ? FAINT_INK : inkOn(share),
    }),
  );
}

/** The colour scale with its ends and quarters. */
function legend(
  { range, scaleLabel, scaleId = 'scale', format = String }: HeatMapOptions,
  width: number,
  y: number,
): string {
  const barWidth = 200;
  const x = (width - barWidth) / 2;
  const stops = scaleStops().map(({ offset, color }) => element('stop', { offset, 'stop-color': color }));
  const value = scaleLinear([0, 1], range);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    label(x + share * barWidth, y + 26, format(value(share)), {
      'text-anchor': 'middle',
      'font-size': 11,
      fill: FAINT_INK,
    }),
  );
  return element(
    'g',
    {},
    element('defs', {}, element('linearGradient', { id: scaleId }, ...stops)),
    label(x - 10, y + 10, scaleLabel, { 'text-anchor': 'end', fill: FAINT_INK }),
    element('rect', { x, y, width: barWidth, height: 12, rx: 3, fill: `url(#${scaleId})` }),
    ...ticks,
  );
}
