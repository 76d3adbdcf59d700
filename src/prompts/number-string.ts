import { hideInLines } from './hide.js';
import type { PromptGenerator } from './prompt.js';
import { fill, WORDING } from './wording.js';

const DIGITS = 5;
const REPEATED = 5;

/** InfiniteBench's Number: ten digits, of which five repeat a neighbour's, in a haystack of one sentence repeated. */
export const numberString: PromptGenerator = (_sources, { depth, random }) => {
  const digits = random('key');
  const key = Array.from({ length: DIGITS }, () => digits.int(0, 9));
  for (let count = 0; count < REPEATED; count++) {
    const at = digits.int(0, key.length - 1);
    key.splice(at, 0, key[at]!);
  }
  const { template, needle, answerPrefix } = WORDING.numberString;
  const hidden = [{ text: fill(needle, { key: key.join('') }), depth: depth ?? random('depth').float() }];
  return {
    minUnits: 1,
    build: (units) => ({
      user: fill(template, { context: hideInLines(Array<string>(units).fill(WORDING.noise), hidden) }),
      answerPrefix,
      references: [key.join('')],
    }),
  };
};
