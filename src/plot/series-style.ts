import { element } from './svg.js';

/** Okabe and Ito's colours, told apart with every kind of colour blindness; the pale yellow left out. */
export const SERIES_COLORS = ['#333333', '#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

const SHAPES = ['circle', 'square', 'triangle', 'diamond'] as const;
const SIZE = 4.5;

/** The marker of a series: colour and shape both tell it apart. */
export function markerShape(index: number, x: number, y: number): string {
  const fill = SERIES_COLORS[index % SERIES_COLORS.length]!;
  const common = { fill, stroke: '#ffffff', 'stroke-width': 1 };
  switch (SHAPES[index % SHAPES.length]) {
    case 'square':
      return element('rect', {
        x: x - SIZE + 0.5,
        y: y - SIZE + 0.5,
        width: 2 * SIZE - 1,
        height: 2 * SIZE - 1,
        ...common,
      });
    case 'triangle':
      return polygon([x, y - SIZE - 1, x + SIZE + 0.5, y + SIZE - 0.5, x - SIZE - 0.5, y + SIZE - 0.5], common);
    case 'diamond':
      return polygon([x, y - SIZE - 1, x + SIZE + 1, y, x, y + SIZE + 1, x - SIZE - 1, y], common);
    default:
      return element('circle', { cx: x, cy: y, r: SIZE, ...common });
  }
}

const polygon = (points: readonly number[], attributes: Record<string, string | number>) =>
  element('polygon', { points: points.map((value) => value.toFixed(1)).join(' '), ...attributes });
