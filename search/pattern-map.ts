import { type ScaleBand, scaleLinear } from 'd3-scale';
import { PATTERN_NAMES, type PatternType } from '../src/patterns/head-pattern.js';
import type { HeadEntry, PatternFile } from '../src/patterns/pattern-file.js';
import { bands, middleOf } from '../src/plot/bands.js';
import { element, escapeXml, label, svgDocument, textWidth } from '../src/plot/svg.js';
import { formatPercent } from '../src/utils/format.js';

/** Marks an SVG as a map of ours. */
export const MAP_MARK = '<!-- minference search -->';

const CELL = 22;
const GAP = 2;
const LEFT = 56;
const TOP = 52;
const LEGEND = 34;
/** Room for the legend where there are few heads. */
const MIN_WIDTH = 430;
const TITLE_SIZE = 13;

const COLORS: Record<PatternType, string> = {
  vertical_slash: '#2563a8',
  a_shape: '#c2571a',
  block_sparse: '#2e8540',
  dense: '#555555',
};
/** No recall is still seen. */
const opacityOf = scaleLinear([0, 1], [0.15, 1]);

/** Map of layers × heads as SVG: the colour is the pattern that won, the depth of the colour its mass recall. */
export function patternMap(file: PatternFile): string {
  const { layers } = file;
  const heads = Math.max(...layers.map((layer) => layer.heads.length));
  const width = Math.max(MIN_WIDTH, LEFT + heads * CELL + 12, 24 + textWidth(title(file), TITLE_SIZE));
  const height = TOP + layers.length * CELL + LEGEND;
  const places = { x: bands(heads, LEFT, heads * CELL, GAP), y: bands(layers.length, TOP, layers.length * CELL, GAP) };
  const drawing = svgDocument({ width, height }, title(file), [
    label(12, 20, title(file), { 'font-size': TITLE_SIZE, 'font-weight': 600 }),
    ...axes(places, heads, layers.length),
    ...layers.flatMap((layer, row) => layer.heads.map((head, column) => cell(head, row, column, places))),
    ...legend(file, height - 14),
  ]);
  return `${MAP_MARK}\n${drawing}`;
}

interface Places {
  x: ScaleBand<number>;
  y: ScaleBand<number>;
}

function title({ model, search }: PatternFile): string {
  if (!search) return model.id;
  return `${model.id}: ${search.objective}, ${formatPercent(search.budget.fraction)} of dense at ${search.length} tokens`;
}

function cell(head: HeadEntry, row: number, column: number, { x, y }: Places): string {
  return element(
    'rect',
    {
      x: x(column)!,
      y: y(row)!,
      width: x.bandwidth(),
      height: y.bandwidth(),
      rx: 2,
      fill: COLORS[head.type],
      'fill-opacity': opacityOf(head.recall ?? 1).toFixed(3),
    },
    element('title', {}, escapeXml(describe(head, row, column))),
  );
}

function describe(head: HeadEntry, layer: number, index: number): string {
  const { type, ...fields } = head;
  const facts = Object.entries(fields).map(([name, value]) => `${name} ${Number(Number(value).toPrecision(4))}`);
  return [`layer ${layer} head ${index}: ${PATTERN_NAMES[type]}`, ...facts].join(', ');
}

/** Numbers of heads above and of layers to the left, thinned out so that they do not touch. */
function axes({ x, y }: Places, heads: number, layers: number): string[] {
  const shown = (count: number) => {
    const step = count > 40 ? 8 : count > 16 ? 4 : 1;
    return [...Array(count).keys()].filter((index) => index % step === 0);
  };
  return [
    label(LEFT - 8, TOP - 8, 'head', { 'text-anchor': 'end' }),
    ...shown(heads).map((head) => label(middleOf(x, head), TOP - 8, String(head), { 'text-anchor': 'middle' })),
    ...shown(layers).map((layer) =>
      label(LEFT - 8, middleOf(y, layer) + 4, layer === 0 ? 'layer 0' : String(layer), { 'text-anchor': 'end' }),
    ),
  ];
}

function legend(file: PatternFile, y: number): string[] {
  const present = new Set(file.layers.flatMap(({ heads }) => heads.map(({ type }) => type)));
  const types = (Object.keys(PATTERN_NAMES) as PatternType[]).filter((type) => present.has(type));
  const items = types.flatMap((type, index) => [
    element('rect', { x: 12 + index * 100, y: y - 10, width: 11, height: 11, rx: 2, fill: COLORS[type] }),
    label(28 + index * 100, y, PATTERN_NAMES[type]),
  ]);
  return [...items, label(12 + types.length * 100, y, 'paler: less recall')];
}
