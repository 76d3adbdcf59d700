import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { darkStyle } from '../../src/plot/dark-style.js';
import { placeLabels } from '../../src/plot/place-labels.js';
import { type ScatterPoint, scatterChartSvg } from '../../src/plot/scatter-chart.js';
import { thinTicks } from '../../src/plot/thin-ticks.js';
import { elementsOf } from './well-formed.js';

const draw = (points: readonly ScatterPoint[]) =>
  scatterChartSvg({ title: 'Cost', xLabel: 'computed', yLabel: 'score', points, yLimits: [0, 100] });
const point = (name: string, index: number, x: number, y: number): ScatterPoint => ({ name, index, x, y });
const places = (svg: string) =>
  [...svg.matchAll(/<path class="marker"[^>]* transform="translate\((\S+) (\S+)\)"/g)].map(([, x, y]) => [+x!, +y!]);
const shares = (svg: string) => [...svg.matchAll(/text-anchor="middle">([\d.]+ %)</g)].map(([, text]) => text);

describe('scatterChartSvg', () => {
  it('puts what costs less to the left and what scores more above, with names beside', () => {
    const svg = draw([point('dense', 0, 1, 95), point('sparse', 1, 0.2, 90)]);
    const [dense, sparse] = places(svg) as [number[], number[]];
    expect(sparse[0]).toBeLessThan(dense[0]!);
    expect(sparse[1]).toBeGreaterThan(dense[1]!);
    expect(svg).toContain('<title>sparse: 90 at 20 %</title>');
    expect(svg.match(/class="name"/g)).toHaveLength(2);
    expect(shares(svg)).toEqual(['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']);
  });

  it('takes a logarithmic axis where shares are far apart, and none where one is 0', () => {
    const far = [point('dense', 0, 1, 95), point('a', 1, 0.1, 90), point('b', 2, 0.01, 80)];
    const svg = draw(far);
    expect(shares(svg)).toEqual(['1 %', '2 %', '5 %', '10 %', '20 %', '50 %', '100 %']);
    const [dense, a, b] = places(svg).map(([x]) => x!);
    expect(dense! - a!).toBeCloseTo(a! - b!, 0);
    expect(shares(draw([...far, point('none', 3, 0, 10)]))[0]).toBe('0 %');
  });

  it('draws the frontier through the points that none beats at the same cost or less', () => {
    const svg = draw([point('best', 0, 0.2, 90), point('beaten', 1, 0.5, 80), point('dense', 2, 1, 95)]);
    const [best, , dense] = places(svg).map((place) => place.map((value) => value.toFixed(1)));
    const [, path] = /class="frontier" d="([^"]*)"/.exec(svg)!;
    const n = (text: string) => String(Number(text));
    expect(path).toBe(
      `M${n(best![0]!)},${n(best![1]!)}L${n(dense![0]!)},${n(best![1]!)}L${n(dense![0]!)},${n(dense![1]!)}`,
    );
  });

  it('tells names that find no place in a legend', () => {
    const crowd = Array.from({ length: 40 }, (_, index) => point(`method number ${index}`, index, 0.5, 50));
    const svg = draw(crowd);
    const beside = svg.match(/class="name"/g)!.length;
    expect(beside).toBeGreaterThan(0);
    expect(beside).toBeLessThan(40);
    for (const { name } of crowd) expect(svg).toContain(`>${name}</text>`);
  });

  it('keeps points inside the frame and well-formed for any values and names', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const score = fc.double({ min: 0, max: 100, noNaN: true });
    const name = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, share, score), { minLength: 1, maxLength: 12 }), (list) => {
        const svg = draw(
          list.map(([name, x, y], index) => ({ ...point(name, index, x, y), interval: [Math.max(0, y - 9), 100] })),
        );
        expect(elementsOf(svg)[0]).toBe('svg');
        const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
        expect(places(svg).length).toBeGreaterThanOrEqual(list.length);
        for (const [x, y] of places(svg)) {
          expect(x! > 0 && x! < width! && y! > 0 && y! < height!, `${x} ${y}`).toBe(true);
        }
      }),
    );
  });
});

describe('placeLabels', () => {
  it('never covers a marker or another name, nor leaves the frame', () => {
    const frame = { x0: 0, y0: 0, x1: 400, y1: 300 };
    const points = fc.array(
      fc.record({
        x: fc.integer({ min: 0, max: 400 }),
        y: fc.integer({ min: 0, max: 300 }),
        name: fc.string({ maxLength: 20 }),
      }),
      { maxLength: 15 },
    );
    fc.assert(
      fc.property(points, (points) => {
        const boxes = placeLabels(points, frame, 12).flatMap((place, index) => {
          if (!place) return [];
          const width = points[index]!.name.length * 12 * 0.56;
          const x0 = place.x - { start: 0, middle: width / 2, end: width }[place.anchor];
          return [{ x0, x1: x0 + width, y0: place.y - 9.6, y1: place.y + 3 }];
        });
        for (const [index, box] of boxes.entries()) {
          expect(box.x0 >= 0 && box.x1 <= 400 && box.y0 >= 0 && box.y1 <= 300).toBe(true);
          for (const { x, y } of points) {
            expect(x > box.x0 && x < box.x1 && y > box.y0 && y < box.y1).toBe(false);
          }
          for (const other of boxes.slice(index + 1)) {
            const apart = box.x1 <= other.x0 || other.x1 <= box.x0 || box.y1 <= other.y0 || other.y1 <= box.y0;
            expect(apart).toBe(true);
          }
        }
      }),
    );
  });
});

it('thinTicks keeps all where they fit, else evenly fewer from the first on', () => {
  expect(thinTicks(['1k', '2k', '4k'], 60, 12)).toEqual([0, 1, 2]);
  expect(thinTicks(Array(9).fill('128k'), 12, 12)).toEqual([0, 3, 6]);
  expect(thinTicks([], 10, 12)).toEqual([]);
});

it('darkStyle repaints every ink that drawings use, and leaves the cells of heat maps', () => {
  const svg = draw([point('dense', 0, 1, 95), point('a', 1, 0.5, 90), point('b', 2, 0.2, 90), point('c', 3, 0.3, 90)]);
  const used = new Set([...svg.matchAll(/(?:fill|stroke)="(#\w+)"/g)].map(([, color]) => color!));
  const style = darkStyle('.drawing');
  for (const color of used) expect(style).toContain(`.drawing :not(.cell *)[fill="${color}"]`);
  expect(used.size).toBeGreaterThanOrEqual(7);
});
