import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTokenCount, MAX_TOKEN_COUNT, parseTokenCount, parseTokenCounts } from '../../src/utils/parse-size.js';

describe('parseTokenCount', () => {
  it.each([
    ['8192', 8192],
    ['8k', 8192],
    ['8K', 8192],
    [' 8k ', 8192],
    ['1m', 1_048_576],
    ['1.5k', 1536],
    ['2,048', 2048],
    ['131_072', 131_072],
  ])('reads %j as %i', (text, count) => {
    expect(parseTokenCount(text)).toBe(count);
  });

  it.each([
    '',
    'k',
    '0',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '8kb',
    '1.3k',
    '2,04',
    ',048',
    '8 k',
    'NaN',
    'Infinity',
    '1\u00a0024',
    '８k',
  ])('refuses %j', (text) => {
    expect(() => parseTokenCount(text)).toThrow(/expected a number of tokens .* found/);
  });

  it('refuses absurd sizes and says the limit', () => {
    expect(() => parseTokenCount('9999999m')).toThrow(`at most ${MAX_TOKEN_COUNT}`);
    expect(() => parseTokenCount('9'.repeat(400))).toThrow(/expected/);
  });

  it('reads back what formatTokenCount writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_TOKEN_COUNT }), (count) => {
        expect(parseTokenCount(formatTokenCount(count))).toBe(count);
      }),
    );
  });
});

describe('parseTokenCounts', () => {
  it('sorts and removes repeats', () => {
    expect(parseTokenCounts('4k,2k, 4096 ,1000')).toEqual([1000, 2048, 4096]);
  });

  it('does not read a thousands separator as two entries', () => {
    expect(() => parseTokenCounts('2,048')).toThrow(/comma separates/);
  });

  it('refuses empty and endless lists', () => {
    expect(() => parseTokenCounts(' , ')).toThrow(/expected a number of tokens/);
    expect(() => parseTokenCounts('1,'.repeat(65))).toThrow(/at most 64 entries, found 65/);
  });
});
