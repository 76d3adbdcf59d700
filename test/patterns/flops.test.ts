import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aShapeFlops,
  aShapeTiles,
  causalPairs,
  denseCausalFlops,
  type TileGeometry,
} from '../../src/patterns/flops.js';
import { aShapeForFraction, uniformPatterns } from '../../src/patterns/uniform-patterns.js';

/** Counts tiles from the definition: the keys of a row block, rounded, as maximal runs. */
function tilesByDefinition(shape: { sink: number; window: number }, length: number, geometry: TileGeometry): number {
  const { blockM, blockN, keyAlign } = geometry;
  let tiles = 0;
  for (let start = 0; start < length; start += blockM) {
    const end = Math.min(start + blockM, length);
    const keep = new Array<boolean>(end).fill(false);
    const markRange = (from: number, to: number) => {
      if (to <= from) return;
      const [low, high] = [Math.floor(from / keyAlign) * keyAlign, Math.ceil(to / keyAlign) * keyAlign];
      for (let key = low; key < Math.min(high, end); key++) keep[key] = true;
    };
    markRange(0, Math.min(shape.sink, end));
    if (shape.window > 0) markRange(Math.max(0, start - shape.window + 1), end);
    let run = 0;
    for (const kept of [...keep, false]) {
      if (kept) run++;
      else {
        tiles += Math.ceil(run / blockN);
        run = 0;
      }
    }
  }
  return tiles;
}

describe('FLOPs', () => {
  it('counts dense causal attention', () => {
    expect(causalPairs(1)).toBe(1);
    expect(causalPairs(4)).toBe(10);
    expect(denseCausalFlops(8192, 64)).toBe(4 * 64 * ((8192 * 8193) / 2));
  });

  it('counts A-shape tiles as the definition does (property)', () => {
    const geometry = fc.record({
      blockM: fc.constantFrom(64, 128),
      blockN: fc.constantFrom(16, 64, 96),
      keyAlign: fc.constantFrom(1, 16, 32),
    });
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.nat(500),
        fc.integer({ min: 1, max: 700 }),
        geometry,
        (sink, window, length, tile) => {
          const shape = { sink, window };
          expect(aShapeTiles(shape, length, tile)).toBe(tilesByDefinition(shape, length, tile));
        },
      ),
    );
  });

  it('knows the paper’s budget: about 31 % of dense at 30,000 tokens', () => {
    const geometry = { blockM: 64, blockN: 64, keyAlign: 1 };
    const share = aShapeFlops({ sink: 1024, window: 4096 }, 30_000, 128, geometry) / denseCausalFlops(30_000, 128);
    expect(share).toBeGreaterThan(0.305);
    expect(share).toBeLessThan(0.325);
  });
});

describe('aShapeForFraction', () => {
  const geometry = { blockM: 64, blockN: 64, keyAlign: 1 };

  it('spends as much of the budget as it can without exceeding it (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 512, max: 20_000 }), fc.integer({ min: 10, max: 90 }), (length, percent) => {
        const options = { length, headDim: 64, fraction: percent / 100, geometry };
        const { sink, window } = aShapeForFraction(options);
        const budget = options.fraction * denseCausalFlops(length, 64);
        const cost = (w: number) =>
          aShapeFlops({ sink: Math.max(1, Math.floor(w / 4)), window: w }, length, 64, geometry);
        if (window > 1) expect(cost(window)).toBeLessThanOrEqual(budget);
        if (window > 1 && window < length) expect(cost(window + 1)).toBeGreaterThan(budget);
        expect(sink).toBe(Math.max(1, Math.floor(window / 4)));
      }),
      { numRuns: 30 },
    );
  });

  it('fills a model', () => {
    const patterns = uniformPatterns([{ numHeads: 2 }, { numHeads: 3 }], { type: 'a_shape', sink: 1, window: 2 });
    expect(patterns.map((heads) => heads.length)).toEqual([2, 3]);
    expect(patterns[1]![2]).toEqual({ type: 'a_shape', sink: 1, window: 2 });
  });
});
