import type { PromptGenerator } from './prompt.js';
import { fill, WORDING } from './wording.js';

/** Distinct ranks that are asked for, as InfiniteBench mixes them: sample 0 asks for the first, and so on. */
const TARGETS = [
  'largest number',
  'second largest number',
  'third largest number',
  'smallest number',
  'second smallest number',
  'third smallest number',
  'median',
] as const;
type Target = (typeof TARGETS)[number];

const MAX = 99;
/** The end that is asked for is drawn within a fifth of the range, so that it is not always the same number. */
const MARGIN = 0.2;
/** Fewer numbers may not hold three different ones. */
const MIN_NUMBERS = 100;

/** InfiniteBench's Math.Find: a rank of a list of whole numbers from 0 to 99. A unit is a number. */
export const mathFind: PromptGenerator = (_sources, { random, sample }) => {
  const target = TARGETS[sample % TARGETS.length]!;
  const numbers = drawNumbers(target, random('range'), random('numbers'));
  const { template, question } = WORDING.mathFind;
  return {
    minUnits: MIN_NUMBERS,
    build(units) {
      const list = numbers(units);
      const text = fill(template, { target: `the ${target}`, context: `[${list.join(', ')}]`, question });
      return { user: fill(text, { target }), answerPrefix: '', references: [String(ranked(list, target))] };
    },
  };
};

type Random = ReturnType<Parameters<PromptGenerator>[1]['random']>;

function drawNumbers(target: Target, range: Random, random: Random): (count: number) => number[] {
  const fromBelow = target.includes('smallest') || (target === 'median' && range.float() > 0.5);
  const min = fromBelow ? range.int(0, Math.floor(MAX * MARGIN)) : 0;
  const max = fromBelow ? MAX : range.int(Math.floor(MAX * (1 - MARGIN)), MAX);
  const numbers: number[] = [];
  return (count) => {
    while (numbers.length < count) numbers.push(random.int(min, max));
    return numbers.slice(0, count);
  };
}

function ranked(list: readonly number[], target: Target): number {
  if (target === 'median') {
    const sorted = [...list].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle]! + sorted[middle - 1]!) / 2;
  }
  const distinct = [...new Set(list)].sort((a, b) => (target.includes('largest') ? b - a : a - b));
  return distinct[target.startsWith('second') ? 1 : target.startsWith('third') ? 2 : 0]!;
}
