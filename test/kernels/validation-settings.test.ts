import { describe, test } from 'vitest';
import {
  type Changes,
  expectFailure,
  float,
  HEAD_DIM,
  HEADS,
  KV_HEADS,
  patterns,
  ROWS,
  zeros,
} from './invalid-call.js';
import { int32, type OpCall } from './op-session.js';

describe('the probe’s own inputs', () => {
  const keys = zeros([2, ROWS, KV_HEADS * HEAD_DIM]);
  const batchOfTwo: Changes = {
    q: zeros([2, ROWS, HEADS * HEAD_DIM]),
    k: keys,
    v: keys,
    past_k: null,
    past_v: null,
    seqlens: int32([ROWS - 1, ROWS - 1]),
    total: int32([ROWS], []),
  };
  const rows = 'expected candidates rows [kind 0 - 3, a >= 0, b >= 0, flags of the bits 7], found';
  const cases: Record<string, [changes: Changes, text: string]> = {
    'a budget of NaN': [{ budget: float(Number.NaN) }, 'expected a finite budget >= 0, found nan'],
    'an endless budget': [{ budget: float(Number.POSITIVE_INFINITY) }, 'expected a finite budget >= 0, found inf'],
    'a negative budget': [{ budget: float(-1) }, 'expected a finite budget >= 0, found -1.000000'],
    'two budgets': [{ budget: float(1, 2) }, 'expected budget of shape [1], found [2]'],
    'a batch of two': [batchOfTwo, 'expected a batch of 1, found 2'],
    'an unknown flag': [{ rows: patterns([1, 4, 4, 8], 1) }, `${rows} [1, 4, 4, 8] in row 0`],
    'an unknown kind': [{ rows: patterns([7, 4, 4, 0], 1) }, `${rows} [7, 4, 4, 0] in row 0`],
  };
  test.each(Object.entries(cases))('%s', (_, [changes, text]) => expectFailure(text, changes, {}, 'AttentionProbe'));
});

describe('attributes, when the model is loaded', () => {
  const cases: Record<string, [attributes: OpCall['attributes'], text: string]> = {
    'KV heads that do not divide the heads': [
      { kv_num_heads: 3 },
      'expected num_heads to be a multiple of kv_num_heads, found 4 and 3',
    ],
    'no heads': [{ num_heads: 0 }, 'expected attribute num_heads from 1 to 1048576, found 0'],
    'a window of nothing': [{ local_window_size: 0 }, 'expected attribute local_window_size -1 (none) or > 0, found 0'],
    'a negative soft-cap': [
      { softcap: { float: -1 } },
      'expected attribute softcap to be finite and >= 0, found -1.000000',
    ],
    'a scale of NaN': [{ scale: { float: Number.NaN } }, 'expected attribute scale to be finite and >= 0, found nan'],
    'a row block of 32': [
      { block_m: 32 },
      "expected attribute block_m to be 0 (the optimized kernel's) or a positive multiple of 64, found 32",
    ],
    'an unknown implementation': [
      { implementation: 'fast' },
      'expected attribute implementation to be "optimized" or "reference", found "fast"',
    ],
  };
  test.each(Object.entries(cases))('%s', (_, [attributes, text]) => expectFailure(text, {}, attributes));
});
