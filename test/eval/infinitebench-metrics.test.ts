import { describe, expect, it } from 'vitest';
import {
  choice,
  correctPrefix,
  firstDigits,
  firstNumber,
  functionOrLetter,
  lastInteger,
  nameAmongWords,
  valueAmongWords,
} from '../../src/eval/metrics/infinitebench.js';
import { rougeLSum } from '../../src/eval/metrics/rouge-l-sum.js';
import { characterF1, wordF1 } from '../../src/eval/metrics/token-f1.js';

type Metric = (prediction: string, references: readonly string[]) => number;

/** [answer, references, score] */
const CASES: [string, Metric, [string, string[], number][]][] = [
  [
    'KV retrieval',
    valueAmongWords,
    [
      ['{"a": "11-22"}', ['11-22'], 1],
      ['The value is 11-22.', ['11-22'], 1],
      ['11-223', ['11-22'], 0],
      ['', ['11-22'], 0],
    ],
  ],
  [
    'PassKey',
    firstDigits,
    [
      [' 71432.', ['71432'], 1],
      ['The pass key is 71432', ['71432'], 1],
      ['1) 71432', ['71432'], 0],
      ['none', ['71432'], 0],
    ],
  ],
  [
    'Math.Find',
    firstNumber,
    [
      ['The largest is 98', ['98'], 1],
      ['98.0', ['98'], 0],
      ['12.5 of them', ['12.5'], 1],
      ['12', ['12.5'], 0],
      ['', ['98'], 0],
    ],
  ],
  [
    'Code.Run',
    lastInteger,
    [
      ['The return value is: -12.', ['-12'], 1],
      ['-12 is it', ['-12'], 0],
      ['', ['3'], 0],
    ],
  ],
  [
    'En.Dia',
    nameAmongWords,
    [
      ['It is "Mary".', ['MARY'], 1],
      ['Marya', ['MARY'], 0],
    ],
  ],
  [
    'Code.Debug',
    functionOrLetter,
    [
      ['B. parse', ['parse', 'B'], 1],
      ['The answer is: B', ['parse', 'B'], 1],
      ['The correct option is: `parse`', ['parse', 'B'], 1],
      ['The correct option is: parse', ['parse', 'B'], 1],
      ['The answer is:', ['parse', 'B'], 0],
      ['B', ['parse', 'B'], 0],
    ],
  ],
  [
    'En.MC',
    choice,
    [
      ['B', ['In Rome', 'B'], 1],
      ['A lot of text that begins with a letter', ['In Rome', 'B'], 0],
      ['In Rome', ['In Rome', 'B'], 1],
      ['I think the answer is B', ['In Rome', 'B'], 1],
      ['the answer is: C', ['In Rome', 'B'], 0],
      ['surely B then', ['In Rome', 'B'], 1],
      ['', ['In Rome', 'B'], 0],
    ],
  ],
  [
    'Math.Calc',
    correctPrefix,
    [
      ['[1, 4, 8]', ['1', '4', '8'], 1],
      ['1 4 9 8', ['1', '4', '8'], 2 / 3],
      ['', ['1', '4'], 0],
    ],
  ],
  [
    'En.QA',
    wordF1,
    [
      ['The old man.', ['an old man', 'nobody'], 1],
      ['old woman', ['old man'], 0.5],
      ['man man', ['man'], 2 / 3],
      ['', ['man'], 0],
    ],
  ],
  [
    'Zh.QA',
    characterF1,
    [
      ['他是，李明。', ['他是李明'], 1],
      ['李', ['李明'], 2 / 3],
      ['', ['李明'], 0],
    ],
  ],
];

describe.each(CASES)('%s', (_name, metric, cases) => {
  it.each(cases)('scores %j against %j with %d', (prediction, references, expected) => {
    expect(metric(prediction, references)).toBeCloseTo(expected, 12);
  });
});

describe('ROUGE-Lsum', () => {
  it('is the F1 of the union of common subsequences', () => {
    // Lin 2004, §3.2: the reference w1 … w5 against the sentences "w1 w2 w6 w7 w8" and "w1 w3 w8 w9 w5": union of 4.
    const predicted = 'w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5';
    const [precision, recall] = [4 / 10, 4 / 5];
    expect(rougeLSum(predicted, 'w1 w2 w3 w4 w5')).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
  });

  it('takes words of letters and digits without case, counts each as often as both have it, and nothing of nothing', () => {
    expect(rougeLSum('The CAT, sat!', 'the cat sat')).toBe(1);
    expect(rougeLSum('cat', 'cat\ncat')).toBeCloseTo(2 / 3, 12);
    expect(rougeLSum('', 'cat')).toBe(0);
    expect(rougeLSum('dog', 'cat')).toBe(0);
  });
});
