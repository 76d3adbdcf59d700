import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineChartOptions, lineChartSvg } from '../../src/plot/line-chart.js';
import { elementsOf } from './well-formed.js';

const options = (fields: Partial<LineChartOptions['panels'][number]> = {}): LineChartOptions => ({
  title: 'Scores by length',
  xLabel: 'length',
  xTicks: ['2k', '4k', '8k'],
  panels: [
    {
      title: 'Accuracy',
      yLabel: 'score',
      range: [0, 100],
      series: [
        { name: 'dense', values: [100, 100, 90], intervals: [[80, 100], [80, 100], null] },
        { name: 'a_shape', values: [100, null, 20] },
      ],
      ...fields,
    },
  ],
});

const points = (svg: string) => [...svg.matchAll(/<g class="point"><title>([^<]*)/g)].map(([, title]) => title);
const axis = (svg: string) => [...svg.matchAll(/<text[^>]*text-anchor="end"[^>]*>([^<]*)</g)].map(([, text]) => text);

describe('lineChartSvg', () => {
  it('marks every value, leaves gaps out, and draws intervals where there are any', () => {
    const svg = lineChartSvg(options());
    expect(points(svg)).toEqual([
      'dense, 2k: 100',
      'dense, 4k: 100',
      'dense, 8k: 90',
      'a_shape, 2k: 100',
      'a_shape, 8k: 20',
    ]);
    expect(svg.match(/stroke-opacity="0.45"/g)).toHaveLength(2);
    expect(axis(svg)).toEqual(['0', '20', '40', '60', '80', '100']);
  });

  it.each([
    [
      [1, 2.7],
      ['0×', '0.5×', '1×', '1.5×', '2×', '2.5×', '3×'],
    ],
    [
      [0.2, 0.9],
      ['0×', '0.2×', '0.4×', '0.6×', '0.8×', '1×'],
    ],
    [[18], ['0×', '5×', '10×', '15×', '20×']],
    [[0], ['0×', '0.2×', '0.4×', '0.6×', '0.8×', '1×']],
  ])('chooses round ticks from 0 to beyond %j', (values, ticks) => {
    const { range: _, ...panel } = options().panels[0]!;
    const series = [{ name: 'a', values }];
    const svg = lineChartSvg({ ...options(), panels: [{ ...panel, series, format: (value) => `${value}×` }] });
    expect(axis(svg)).toEqual(ticks);
  });

  it('gives a series the same colour in all panels, and another to every series', () => {
    const [panel] = options().panels;
    const second = { ...panel!, series: [panel!.series[1]!] };
    const svg = lineChartSvg({ ...options(), panels: [panel!, second] });
    const colors = [...svg.matchAll(/<path d="[^"]*" fill="none" stroke="(#\w+)"/g)].map(([, color]) => color);
    expect(colors).toHaveLength(3);
    expect(colors[1]).toBe(colors[2]);
    expect(colors[0]).not.toBe(colors[1]);
  });

  it('keeps points inside the frame and well-formed for any values and names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 12 }),
        (values, names) => {
          const { range: _, ...panel } = options().panels[0]!;
          const series = [...new Set(names)].map((name) => ({ name, values }));
          const svg = lineChartSvg({
            ...options(),
            xTicks: values.map((_, index) => `${index}k`),
            panels: [{ ...panel, series }],
          });
          expect(elementsOf(svg)[0]).toBe('svg');
          const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
          const markers = [...svg.matchAll(/<path class="marker"[^>]* transform="translate\((\S+) (\S+)\)"/g)];
          // One for every value and one for every name in the legend.
          expect(markers).toHaveLength(series.length * (values.length + 1));
          for (const [x, y] of markers.map(([, x, y]) => [Number(x), Number(y)] as const)) {
            expect(x > 0 && x < width! && y > 0 && y < height!, `${x} ${y}`).toBe(true);
          }
        },
      ),
    );
  });
});
