import { describe, test } from 'vitest';
import { Tensor } from '../../src/runtime/tensor.js';
import { rotaryPorts } from './attention-ports.js';
import {
  type Changes,
  expectFailure,
  float,
  HEAD_DIM,
  HEADS,
  KV_HEADS,
  PAST,
  patterns,
  ROWS,
  zeros,
} from './invalid-call.js';
import { int32 } from './op-session.js';

const [q, kv] = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM];
const cache = (rows: number, dim = HEAD_DIM) => zeros([1, KV_HEADS, rows, dim]);

type Cases = Record<string, [changes: Changes, text: string]>;

describe('inputs out of shape', () => {
  const [query, last] = ['expected query of shape [batch, sequence, hidden], found', 'expected the last dimension of'];
  const odd = zeros([1, ROWS, 130]);
  const cases: Cases = {
    'a query without a batch': [{ q: zeros([ROWS, q]) }, `${query} [20, 128]`],
    'a query of half heads': [{ q: odd }, `${last} query to be a multiple of 4 (num_heads), found [1, 20, 130]`],
    'a packed query of half heads': [
      { q: odd, k: null, v: null },
      `${last} the packed query to be a multiple of 8 (num_heads + 2 * kv_num_heads), found [1, 20, 130]`,
    ],
    'too few keys': [{ k: zeros([1, 19, kv]) }, 'expected key of shape [1, 20, 64], found [1, 19, 64]'],
    'wide values': [{ v: zeros([1, ROWS, 2 * kv]) }, 'expected value of shape [1, 20, 64], found [1, 20, 128]'],
    'keys without values': [{ v: null }, 'expected both key and value, or neither'],
    'past keys without past values': [{ past_v: null }, 'expected both past_key and past_value, or neither'],
    'a past of another head_dim': [
      { past_k: cache(PAST, 16) },
      'expected past_key of shape [1, 2, 10, 32], found [1, 2, 10, 16]',
    ],
    'a past of two lengths': [
      { past_v: cache(11) },
      'expected past_value of shape [1, 2, 10, 32], found [1, 2, 11, 32]',
    ],
    'a past that is too short': [
      { past_k: cache(9), past_v: cache(9) },
      'expected past_key with the 10 rows that seqlens_k tells of, found 9',
    ],
    'lengths of two entries': [
      { seqlens: int32([29, 29]) },
      'expected seqlens_k of shape [1], one entry per batch row',
    ],
    'two totals': [{ total: int32([30, 30]) }, 'expected total_sequence_length to be a scalar, found shape [2]'],
    'a sink for one head': [{ sink: float(0) }, 'expected head_sink of shape [4], found [1]'],
    'patterns for three heads': [
      { rows: patterns([0, 0, 0, 0], 3) },
      'expected head_patterns of shape [4, 4], found [3, 4]',
    ],
    'patterns without flags': [{ rows: patterns([0, 0, 0]) }, 'expected head_patterns of shape [4, 4], found [4, 3]'],
    'a bias': [{ bias: zeros([1, HEADS, ROWS, ROWS]) }, 'expected no attention_bias'],
  };
  test.each(Object.entries(cases))('%s', (_, [changes, text]) => expectFailure(text, changes));
});

describe('values out of range', () => {
  const lengths =
    'expected seqlens_k (valid length - 1) that fits 20 rows of query and total_sequence_length 30, found';
  const rows = 'expected head_patterns rows [kind 0 - 9, a >= 0, b >= 0, flags of the bits 2147483641], found';
  const cases: Cases = {
    'a length beyond the total': [{ seqlens: int32([30]) }, `${lengths} 30 in batch entry 0`],
    'a length below the rows': [{ seqlens: int32([18]) }, `${lengths} 18 in batch entry 0`],
    'a negative length': [{ seqlens: int32([-2]) }, `${lengths} -2 in batch entry 0`],
    'a total below the rows': [
      { total: int32([19], []) },
      'expected total_sequence_length >= the 20 rows of query, found 19',
    ],
    'an unknown kind': [{ rows: patterns([10, 0, 0, 0]) }, `${rows} [10, 0, 0, 0] in row 0`],
    'a negative kind': [{ rows: patterns([-1, 0, 0, 0]) }, `${rows} [-1, 0, 0, 0] in row 0`],
    'a negative sink': [{ rows: patterns([1, -5, 10, 0]) }, `${rows} [1, -5, 10, 0] in row 0`],
    'a negative window': [{ rows: patterns([1, 5, -10, 0]) }, `${rows} [1, 5, -10, 0] in row 0`],
    'a fit flag': [{ rows: patterns([1, 5, 10, 2]) }, `${rows} [1, 5, 10, 2] in row 0`],
  };
  test.each(Object.entries(cases))('%s', (_, [changes, text]) => expectFailure(text, changes));
});

describe('rotary tables', () => {
  const tables = (rows: number, dim = HEAD_DIM): Changes =>
    Object.fromEntries(rotaryPorts(rows, dim).map((port) => port!));
  const positions = (first: number, rows = ROWS) =>
    Tensor.fromArray(
      'int64',
      BigInt64Array.from({ length: rows }, (_, row) => BigInt(first + row)),
      [1, rows],
    );
  const cases: Cases = {
    'that are left out': [{}, 'expected input cos_cache (do_rotary is 1), found none'],
    'wider than the head': [tables(30, 34), 'expected cos_cache of shape [positions, 1 - 16], found [30, 17]'],
    'of two widths': [{ ...tables(30), sin: zeros([30, 8]) }, 'expected sin_cache of shape [30, 16], found [30, 8]'],
    'that end too early': [tables(29), 'expected positions below the 29 rows of cos_cache, found 29'],
    'and too few positions': [
      { ...tables(30), positions: positions(0, 3) },
      'expected position_ids of shape [1, 20], found [1, 3]',
    ],
    'and a position before 0': [{ ...tables(30), positions: positions(-1) }, 'expected position_ids >= 0, found -1'],
    'and a position behind them': [
      { ...tables(30), positions: positions(11) },
      'expected positions below the 30 rows of cos_cache, found 30',
    ],
  };
  test.each(Object.entries(cases))('%s', (_, [changes, text]) => expectFailure(text, changes, { do_rotary: 1 }));
});
