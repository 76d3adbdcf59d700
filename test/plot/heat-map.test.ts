import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inkOn, scaleColor } from '../../src/plot/color-scale.js';
import { type HeatMapOptions, heatMapSvg } from '../../src/plot/heat-map.js';
import { elementsOf } from './well-formed.js';

const options = (fields: Partial<HeatMapOptions> = {}): HeatMapOptions => ({
  title: 'Scores',
  panels: [
    {
      title: 'dense',
      values: [
        [0, 50],
        [100, null],
      ],
    },
  ],
  columns: { label: 'length', ticks: ['2k', '4k'] },
  rows: { label: 'depth', ticks: ['0 %', '100 %'] },
  range: [0, 100],
  scaleLabel: 'score',
  ...fields,
});

const cells = (svg: string) => [...svg.matchAll(/<g class="cell"><title>([^<]*)<\/title><rect[^>]*fill="([^"]+)"/g)];

describe('heatMapSvg', () => {
  it('draws one cell per row and column, with its value, place and colour', () => {
    const svg = heatMapSvg(options());
    expect(elementsOf(svg)[0]).toBe('svg');
    expect(cells(svg).map(([, title, fill]) => [title, fill])).toEqual([
      ['depth 0 %, length 2k: 0', '#440154'],
      ['depth 0 %, length 4k: 50', '#21918c'],
      ['depth 100 %, length 2k: 100', '#fde725'],
      ['depth 100 %, length 4k: not measured', '#f0f0f0'],
    ]);
  });

  it('keeps the scale fixed whatever the values are', () => {
    const only = (value: number) => cells(heatMapSvg(options({ panels: [{ title: 'a', values: [[value]] }] })))[0]![2];
    expect(only(50)).toBe('#21918c');
    expect(only(150)).toBe(scaleColor(1));
    expect(only(-5)).toBe(scaleColor(0));
  });

  it('stays well-formed and inside its frame for any sizes and texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 12 }),
        text,
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        (panels, columns, rows, name, value) => {
          const svg = heatMapSvg({
            title: name,
            note: name,
            panels: Array.from({ length: panels }, () => ({
              title: name,
              note: name,
              values: Array.from({ length: rows }, () => Array<number>(columns).fill(value)),
            })),
            columns: { label: name, ticks: Array<string>(columns).fill('16k') },
            rows: { label: name, ticks: Array<string>(rows).fill('50 %') },
            range: [0, 100],
            scaleLabel: name,
            format: (number) => number.toFixed(1),
          });
          expect(elementsOf(svg).filter((element) => element === 'rect')).toHaveLength(panels * columns * rows + 2);
          const width = Number(/<svg[^>]* width="(\d+)"/.exec(svg)![1]);
          for (const group of svg.split('<g transform="translate(').slice(1)) {
            const shift = Number.parseFloat(group);
            for (const [, x, w] of group
              .split('</g>\n<g')[0]!
              .matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)) {
              expect(shift + Number(x) + Number(w)).toBeLessThanOrEqual(width);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes on every colour with a contrast of 4.5 : 1 or more', () => {
    const luminance = (hex: string) => {
      const [red, green, blue] = [1, 3, 5]
        .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)) as [
        number,
        number,
        number,
      ];
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (let share = 0; share <= 1; share += 0.005) {
      const [dark, light] = [luminance(scaleColor(share)), luminance(inkOn(share))].sort((a, b) => a - b) as [
        number,
        number,
      ];
      expect((light + 0.05) / (dark + 0.05)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('has a scale that grows lighter all the way', () => {
    const lightness = (share: number) => {
      const hex = scaleColor(share);
      const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [
        number,
        number,
        number,
      ];
      return 0.299 * red + 0.587 * green + 0.114 * blue;
    };
    for (let step = 1; step <= 20; step++) expect(lightness(step / 20)).toBeGreaterThan(lightness((step - 1) / 20));
  });
});
