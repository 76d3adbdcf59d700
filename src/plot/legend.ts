import { PLOT } from './frame.js';
import { markerShape } from './series-style.js';
import { element, label, textWidth } from './svg.js';

const LINE = 20;

/** A series by its name and its place among all of them, which gives its colour and shape. */
export interface LegendEntry {
  name: string;
  index: number;
}

/** Names with their markers, in as many lines as they need. */
export function legendMarkup(
  entries: readonly LegendEntry[],
  width: number,
  margin: number,
): { markup: string; height: number } {
  const left = margin + PLOT.left;
  let [x, y] = [left, 10];
  const items = entries.map(({ name, index }) => {
    const itemWidth = 34 + textWidth(name, 12);
    if (x + itemWidth > width - margin && x > left) [x, y] = [left, y + LINE];
    const item = element('g', {}, markerShape(index, x, y - 4), label(x + 12, y, name));
    x += itemWidth;
    return `${item}\n`;
  });
  return { markup: items.join(''), height: y + 6 };
}
