import type { HeadEntry, PatternFile } from '../src/patterns/pattern-file.js';
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
/** Width of an average character of the title; generous, since fonts differ. */
const TITLE_CHARACTER = 7.8;

const TYPES: Record<HeadEntry['type'], { label: string; color: string }> = {
  vertical_slash: { label: 'vertical-slash', color: '#2563a8' },
  a_shape: { label: 'A-shape', color: '#c2571a' },
  block_sparse: { label: 'block-sparse', color: '#2e8540' },
  dense: { label: 'dense', color: '#555555' },
};

/** Map of layers × heads as SVG: the colour is the pattern that won, the depth of the colour its mass recall. */
export function patternMap(file: PatternFile): string {
  const heads = Math.max(...file.layers.map((layer) => layer.heads.length));
  const width = Math.max(MIN_WIDTH, LEFT + heads * CELL + 12, Math.ceil(24 + title(file).length * TITLE_CHARACTER));
  const height = TOP + file.layers.length * CELL + LEGEND;
  const cells = file.layers.flatMap((layer, row) => layer.heads.map((head, column) => cell(head, row, column)));
  return [
    MAP_MARK,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      'font-family="system-ui, sans-serif" font-size="11">',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="20" font-size="13" font-weight="600" fill="#111111">${escapeXml(title(file))}</text>`,
    ...axis(heads, file.layers.length),
    ...cells,
    ...legend(file, height - 14),
    '</svg>',
    '',
  ].join('\n');
}

function title({ model, search }: PatternFile): string {
  if (!search) return model.id;
  return `${model.id}: ${search.objective}, ${formatPercent(search.budget.fraction)} of dense at ${search.length} tokens`;
}

function cell(head: HeadEntry, row: number, column: number): string {
  const opacity = head.recall === undefined ? 1 : 0.15 + 0.85 * head.recall;
  const x = LEFT + column * CELL;
  const y = TOP + row * CELL;
  const size = CELL - GAP;
  return (
    `<rect x="${x}" y="${y}" width="${size}" height="${size}" rx="2" fill="${TYPES[head.type].color}" ` +
    `fill-opacity="${opacity.toFixed(3)}"><title>${escapeXml(describe(head, row, column))}</title></rect>`
  );
}

function describe(head: HeadEntry, layer: number, index: number): string {
  const { type, ...fields } = head;
  const facts = Object.entries(fields).map(([name, value]) => `${name} ${Number(Number(value).toPrecision(4))}`);
  return [`layer ${layer} head ${index}: ${TYPES[type].label}`, ...facts].join(', ');
}

/** Numbers of heads above and of layers to the left, thinned out so that they do not touch. */
function axis(heads: number, layers: number): string[] {
  const label = (x: number, y: number, anchor: string, text: string | number) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#333333">${text}</text>`;
  const shown = (count: number) => {
    const step = count > 40 ? 8 : count > 16 ? 4 : 1;
    return Array.from({ length: count }, (_, index) => index).filter((index) => index % step === 0);
  };
  const middle = (CELL - GAP) / 2;
  return [
    label(LEFT - 8, TOP - 8, 'end', 'head'),
    ...shown(heads).map((head) => label(LEFT + head * CELL + middle, TOP - 8, 'middle', head)),
    ...shown(layers).map((layer) =>
      label(LEFT - 8, TOP + layer * CELL + middle + 4, 'end', layer === 0 ? 'layer 0' : layer),
    ),
  ];
}

function legend(file: PatternFile, y: number): string[] {
  const present = new Set(file.layers.flatMap(({ heads }) => heads.map(({ type }) => type)));
  const types = (Object.keys(TYPES) as HeadEntry['type'][]).filter((type) => present.has(type));
  const items = types.flatMap((type, index) => [
    `<rect x="${12 + index * 100}" y="${y - 10}" width="11" height="11" rx="2" fill="${TYPES[type].color}"/>`,
    `<text x="${28 + index * 100}" y="${y}" fill="#333333">${TYPES[type].label}</text>`,
  ]);
  return [...items, `<text x="${12 + types.length * 100}" y="${y}" fill="#333333">paler: less recall</text>`];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
