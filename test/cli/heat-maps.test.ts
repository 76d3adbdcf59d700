import { Chalk } from 'chalk';
import { expect, it } from 'vitest';
import { renderHeatMaps } from '../../src/cli/commands/eval/render-heat-maps.js';
import type { EvalResults } from '../../src/eval/harness/results.js';

const lengths = [2048, 131_072];
const depths = [0, 50];
const score = (length: number, depth: number) => (length === 2048 ? 100 : depth === 0 ? 62.5 : 0);

function results(own: { depths?: number[] | null; missing?: boolean } = {}): EvalResults {
  const cells = lengths.flatMap((length) =>
    depths.map((depth) => ({ method: 'dense', task: 'single_1', length, depth, score: score(length, depth) })),
  );
  return {
    options: { lengths, depths: own.depths === undefined ? depths : own.depths, methods: [{ name: 'dense' }] },
    cells: own.missing ? cells.slice(1) : cells,
    aggregates: [{ method: 'dense', length: null, score: 65.625 }],
  } as unknown as EvalResults;
}

const plain = new Chalk({ level: 0 });

it('shows scores by depth and length that read without colour', () => {
  expect(renderHeatMaps(results(), plain)).toEqual([
    'dense  mean 65.6',
    '        2k 128k',
    '  0 %  100   63 ',
    ' 50 %  100    0 ',
    '',
  ]);
});

it('paints cells where there is colour, good and bad ones apart', () => {
  const [, , first, second] = renderHeatMaps(results(), new Chalk({ level: 3 }));
  const backgrounds = (line: string) => [...line.matchAll(/\[48;2;(\d+;\d+;\d+)m/g)].map(([, rgb]) => rgb);
  expect(backgrounds(first!)).toEqual(['253;231;37', expect.anything()]);
  expect(backgrounds(second!)).toEqual(['253;231;37', '68;1;84']);
});

it('marks what was not answered', () => {
  expect(renderHeatMaps(results({ missing: true }), plain)[2]).toBe('  0 %    –   63 ');
});

it('says what it needs where a row does not fit, and shows nothing where there are no depths', () => {
  expect(renderHeatMaps(results(), plain, 10)[0]).toBe(
    'heat maps need a terminal of 16 columns; they are among the pictures',
  );
  expect(renderHeatMaps(results({ depths: null }), plain)).toEqual([]);
});
