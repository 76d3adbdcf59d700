import { EMPTY } from './heat-map.js';
import { SERIES_COLORS } from './series-style.js';
import { FAINT_INK, GRID_INK, GROUND, INK } from './svg.js';

/** On a dark ground: what each colour of the drawings becomes. Cells of heat maps stay as their scale says. */
const DARK: Readonly<Record<string, string>> = {
  [GROUND]: '#16181d',
  [INK]: '#e6e6e6',
  [FAINT_INK]: '#a3a8b0',
  [GRID_INK]: '#3a3f47',
  [EMPTY]: '#2b2f36',
  // Okabe and Ito's colours, as light as a dark ground needs.
  [SERIES_COLORS[0]]: '#d9d9d9',
  [SERIES_COLORS[1]]: '#f07a2e',
  [SERIES_COLORS[2]]: '#4da3e0',
  [SERIES_COLORS[3]]: '#2cc295',
};

/** Rules of CSS that repaint drawings inside of `selector`, which are made for a white ground. */
export const darkStyle = (selector: string): string =>
  Object.entries(DARK)
    .flatMap(([light, dark]) =>
      // Black and white in the cells of heat maps are chosen by the cell's colour.
      ['fill', 'stroke'].map((name) => `${selector} :not(.cell *)[${name}="${light}"]{${name}:${dark}}`),
    )
    .concat(
      `${selector} .cell rect[fill="${EMPTY}"]{fill:${DARK[EMPTY]}}`,
      `${selector} .cell text[fill="${FAINT_INK}"]{fill:${DARK[FAINT_INK]}}`,
    )
    .join('\n');
