import { expect, it } from 'vitest';
import { parseShare } from '../../src/utils/parse-share.js';

it.each([
  ['10%', 0.1],
  [' 2.5 % ', 0.025],
  ['0.1', 0.1],
  ['.25', 0.25],
  ['1', 1],
  ['100%', 1],
])('reads %j', (text, share) => {
  expect(parseShare(text)).toBeCloseTo(share, 12);
});

it.each(['', 'ten', '0', '0%', '-5%', '101%', '1.5.2', '10 %%'])('refuses %j', (text) => {
  expect(() => parseShare(text)).toThrow('expected a share above 0 and up to 100 %');
});

it('says what a number that is too large may mean', () => {
  expect(() => parseShare('20')).toThrow('20% would be a share');
});
