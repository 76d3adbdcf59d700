import { describe, expect, it } from 'vitest';
import { explainBudget, parseBudget, resolveBudget } from '../../search/budget.js';
import { MinferenceError } from '../../src/errors.js';
import { aShapeFlops, denseCausalFlops } from '../../src/patterns/flops.js';

const geometry = { blockM: 64, blockN: 64, keyAlign: 1 };
const at = { length: 8192, headDim: 64, geometry };

describe('parseBudget', () => {
  it.each([
    ['20%', { kind: 'fraction', fraction: 0.2 }],
    [' 2.5 % ', { kind: 'fraction', fraction: 0.025 }],
    ['0.2', { kind: 'fraction', fraction: 0.2 }],
    ['.05', { kind: 'fraction', fraction: 0.05 }],
    ['1', { kind: 'fraction', fraction: 1 }],
    ['100%', { kind: 'fraction', fraction: 1 }],
    ['a_shape:1024,4096', { kind: 'a_shape', sink: 1024, window: 4096 }],
    ['1.7gflops', { kind: 'flops', flops: 1.7e9 }],
    ['1.7e9flops', { kind: 'flops', flops: 1.7e9 }],
    ['3 GFLOP', { kind: 'flops', flops: 3e9 }],
  ])('reads %s', (text, spec) => {
    expect(parseBudget(text)).toEqual(spec);
  });

  it.each([
    '',
    '0',
    '0%',
    '-5%',
    '120%',
    '1e9',
    'NaN',
    'a_shape:1024',
    'a_shape:-1,2',
    'a_shape:1,99999999999',
    '0flops',
    'dense',
    '20 %%',
  ])('refuses "%s"', (text) => {
    expect(() => parseBudget(text)).toThrow(MinferenceError);
    expect(() => parseBudget(text)).toThrow(/expected a budget/);
  });

  it('guesses what 20 was to mean', () => {
    expect(() => parseBudget('20')).toThrow(/20% would be a share/);
  });
});

describe('resolveBudget', () => {
  it('counts FLOPs per head', () => {
    expect(resolveBudget(parseBudget('20%'), at)).toEqual({
      flops: Math.floor(0.2 * denseCausalFlops(8192, 64)),
      fraction: 0.2,
    });
    const paper = resolveBudget(parseBudget('a_shape:1024,4096'), { ...at, length: 30_000 });
    expect(paper.flops).toBe(aShapeFlops({ sink: 1024, window: 4096 }, 30_000, 64, geometry));
    expect(paper.fraction).toBeCloseTo(0.315, 2);
  });

  it('caps at dense', () => {
    expect(resolveBudget(parseBudget('9999tflops'), at).fraction).toBe(1);
    expect(resolveBudget(parseBudget('a_shape:9000,9000'), at).fraction).toBe(1);
  });

  it('explains itself', () => {
    expect(explainBudget('20%', resolveBudget(parseBudget('20%'), at), at)).toBe(
      'budget 20%: 20.0 % of dense at 8,192 tokens, 1.72 GFLOP a head, about 819 keys a row',
    );
  });
});
