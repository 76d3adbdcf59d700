import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { borderNearest, createEssays, sentenceStart, takeWords } from '../../src/prompts/essays.js';
import { fitUnits } from '../../src/prompts/fit-units.js';
import { hideInEssays, hideInLines } from '../../src/prompts/hide.js';

const ends = (text: string) => {
  const { words, endsSentence } = createEssays([text]);
  return words.filter((_, index) => endsSentence[index] === 1);
};

describe('createEssays', () => {
  it.each([
    ['One two. Three four! Five?', ['two.', 'four!', 'Five?']],
    ['He said "Stop." Then he left (at 5 p.m. sharp).', ['"Stop."', 'sharp).']],
    ['Mr. Smith met Dr. Jones of the U.S. Senate. No. 5 passed, i.e. all.', ['Senate.', 'all.']],
    ['J. Random Hacker, v. 1.5 of it', ['it']],
    ['  spread \n\n over\tlines.  Next  ', ['lines.', 'Next']],
  ])('finds the ends of sentences in %j', (text, expected) => {
    expect(ends(text)).toEqual(expected);
  });

  it('goes on from the beginning when the text ends', () => {
    expect(takeWords(createEssays(['a b c']), 2, 5)).toEqual(['c', 'a', 'b', 'c', 'a']);
  });

  it('starts at the beginning of a sentence', () => {
    const essays = createEssays(['One two. Three four. Five six.']);
    expect([0, 0.3, 0.5, 0.99].map((place) => essays.words[sentenceStart(essays, place)])).toEqual([
      'Three',
      'Three',
      'Five',
      'One',
    ]);
  });

  it('takes the sentence border that is nearest, and any border of words where there are no sentences', () => {
    const sentences = createEssays(['a b c d e f g h i j k l m n o p q r s tt. '.toUpperCase().repeat(5)]);
    expect(borderNearest(sentences, { start: 0, count: 100, depth: 0.43 })).toBe(40);
    expect(borderNearest(sentences, { start: 0, count: 100, depth: 1 })).toBe(100);
    expect(borderNearest(createEssays(['a '.repeat(100)]), { start: 0, count: 100, depth: 0.43 })).toBe(43);
  });
});

describe('hiding', () => {
  const essays = createEssays(['Aa bb. Cc dd. Ee ff. Gg hh.']);

  it('keeps all words and lines in their order, with every needle once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        (percents, count) => {
          const needles = percents.map((percent, index) => ({ text: `<${index}>`, depth: percent / 100 }));
          const strip = (text: string, separator: string) =>
            text.split(separator).filter((part) => !part.startsWith('<'));
          const inEssays = hideInEssays(essays, { start: 2, count }, needles);
          expect(strip(inEssays, ' ')).toEqual(takeWords(essays, 2, count));
          const lines = Array.from({ length: count }, (_, index) => `line ${index}`);
          const inLines = hideInLines(lines, needles);
          expect(strip(inLines, '\n')).toEqual(lines);
          for (const { text } of needles) {
            expect(inEssays.split(text)).toHaveLength(2);
            expect(inLines.split(text)).toHaveLength(2);
          }
        },
      ),
    );
  });

  it('puts depth 0 first and depth 1 last', () => {
    const needles = [
      { text: 'LAST', depth: 1 },
      { text: 'FIRST', depth: 0 },
    ];
    expect(hideInLines(['a', 'b'], needles)).toBe('FIRST\na\nb\nLAST');
    expect(hideInEssays(essays, { start: 0, count: 4 }, needles)).toBe('FIRST Aa bb. Cc dd. LAST');
  });
});

describe('fitUnits', () => {
  it('finds the most units within the limit, whatever a unit costs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 1, max: 40_000 }),
        fc.integer({ min: 1, max: 5 }),
        (perUnit, fixed, limit, minUnits) => {
          const count = (units: number) => fixed + units * perUnit + (perUnit > 1 ? units % 2 : 0);
          const found = fitUnits({ limit, minUnits, count });
          expect(found === undefined).toBe(count(minUnits) > limit);
          if (found === undefined) return;
          expect(found.tokens).toBe(count(found.units));
          expect(found.tokens).toBeLessThanOrEqual(limit);
          // Either one more does not fit, or so little is missing that it is not worth another round.
          expect(count(found.units + 1) > limit || limit - found.tokens <= limit * 0.001).toBe(true);
        },
      ),
    );
  });

  it('needs few rounds', () => {
    let rounds = 0;
    fitUnits({ limit: 100_000, minUnits: 1, count: (units) => ++rounds && 300 + Math.round(units * 1.37) });
    expect(rounds).toBeLessThan(12);
  });
});
