import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatPercent,
  formatQuantity,
  formatRate,
} from '../../src/utils/format.js';

describe('formatDuration', () => {
  it.each([
    [0.04, '0.0ms'],
    [8.44, '8.4ms'],
    [840.2, '840ms'],
    [999.9, '1.0s'],
    [3210, '3.2s'],
    [59_960, '1m'],
    [65_000, '1m 5s'],
    [3_725_000, '1h 2m'],
    [Number.NaN, '–'],
    [-1, '–'],
  ])('%d ms → %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

it.each([
  [0, '0:00'],
  [7_999, '0:07'],
  [754_000, '12:34'],
  [3_723_000, '1:02:03'],
])('formatClock(%d) → %s', (ms, text) => {
  expect(formatClock(ms)).toBe(text);
});

it('writes bytes, shares and counts', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(33_449_574)).toBe('31.9 MiB');
  expect(formatBytes(Number.POSITIVE_INFINITY)).toBe('–');
  expect(formatPercent(0.2)).toBe('20.0 %');
  expect(formatPercent(0.12345, 2)).toBe('12.35 %');
  expect(formatCount(16_384)).toBe('16,384');
  expect(formatRate(4893.4)).toBe('4,893 tokens/s');
  expect(formatRate(2.34)).toBe('2.3 tokens/s');
  expect(formatQuantity(1, 'layer')).toBe('1 layer');
  expect(formatQuantity(8, 'layer')).toBe('8 layers');
  expect(formatQuantity(2, 'tokens')).toBe('2 tokens');
  expect(formatQuantity(1, 'tokens')).toBe('1 token');
});
