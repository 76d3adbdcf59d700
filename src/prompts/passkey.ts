import { hideInLines } from './hide.js';
import type { PromptGenerator } from './prompt.js';
import { fill, WORDING } from './wording.js';

/** InfiniteBench's pass keys have five digits, each drawn by itself. */
const DIGITS = 5;

/** InfiniteBench's pass key: five digits in a haystack of one sentence repeated. */
export const passkey: PromptGenerator = (_sources, { depth, random }) => {
  const digits = random('key');
  const key = Array.from({ length: DIGITS }, () => digits.int(0, 9)).join('');
  const { template, needle, answerPrefix } = WORDING.passkey;
  const hidden = [{ text: fill(needle, { key }), depth: depth ?? random('depth').float() }];
  return {
    minUnits: 1,
    build: (units) => ({
      user: fill(template, { context: hideInLines(Array<string>(units).fill(WORDING.noise), hidden) }),
      answerPrefix,
      references: [key],
    }),
  };
};
