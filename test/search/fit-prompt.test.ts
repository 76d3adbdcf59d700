import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitPrompt } from '../../search/fit-prompt.js';

/** A prompt of 20 header tokens, `per(unit)` tokens per unit and 40 question tokens. */
const prompt = (per: (unit: number) => number) => (units: number) => [
  ...Array.from({ length: 20 }, () => 1),
  ...Array.from({ length: units }, (_, unit) => Array.from({ length: per(unit) }, () => 1000 + unit)).flat(),
  ...Array.from({ length: 40 }, () => 2),
];

describe('fitPrompt', () => {
  it('has exactly the length, whatever the units and the first guess (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 512, max: 6000 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom(0.25, 0.5, 0.75),
        (length, size, jitter, firstGuess, cutAt) => {
          const tokenize = prompt((unit) => size + ((unit * 7919) % (jitter + 1)));
          const tokens = fitPrompt({ length, tokenize, firstGuess, maxUnits: 20_000, cutAt, name: 'x' });
          expect(tokens).toHaveLength(length);
          expect(tokens.slice(0, 20)).toEqual(Array(20).fill(1));
          expect(tokens.slice(-40)).toEqual(Array(40).fill(2));
        },
      ),
    );
  });

  it('needs few tokenisations', () => {
    let calls = 0;
    const tokenize = (units: number) => {
      calls++;
      return prompt(() => 54)(units);
    };
    fitPrompt({ length: 32_768, tokenize, firstGuess: 300, maxUnits: 32_768, cutAt: 0.5, name: 'x' });
    expect(calls).toBeLessThanOrEqual(4);
  });

  it('says how long the text is when there is too little of it', () => {
    const options = {
      length: 4096,
      tokenize: prompt(() => 10),
      firstGuess: 100,
      maxUnits: 50,
      cutAt: 0.5,
      name: 'my.txt',
    };
    expect(() => fitPrompt(options)).toThrow(/my\.txt: expected text for 4096 tokens, found 560/);
  });
});
