import { expect, it } from 'vitest';
import { renderPng, renderPngs } from '../../src/plot/png.js';

const svg = (text: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="30"><text x="5" y="20" font-family="system-ui, sans-serif">${text}</text></svg>`;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

it('renders an SVG at twice its size, with its text, where no font is installed', async () => {
  const [png, empty] = await Promise.all([renderPng(svg('94.5')), renderPng(svg(''))]);
  expect([...png.subarray(0, 8)]).toEqual(PNG);
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([240, 60]);
  // Without a font nothing would be drawn.
  expect(png.equals(empty)).toBe(false);
});

it('names PNGs after their SVGs, and says why there are none', async () => {
  const warnings: string[] = [];
  const made = await renderPngs({ 'heatmap.svg': svg('a'), 'curves.svg': svg('b') }, (text) => warnings.push(text));
  expect(Object.keys(made)).toEqual(['heatmap.png', 'curves.png']);
  expect(await renderPngs({ 'bad.svg': 'no picture' }, (text) => warnings.push(text))).toEqual({});
  expect(warnings).toEqual([expect.stringContaining('SVG only')]);
});
