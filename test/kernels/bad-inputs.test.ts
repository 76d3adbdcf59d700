import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/runtime/tensor.js';
import { attentionPorts, type Ports } from './attention-ports.js';
import { int32, type OpCall, randomTensor, runOp } from './op-session.js';

const HEADS = 4;
const good = () => attentionPorts({ rows: 20, past: 12, heads: HEADS });
const dense = int32(Array(4 * HEADS).fill(0), [HEADS, 4]);

interface Change {
  ports?: (ports: Ports) => Ports;
  patterns?: Tensor;
  /** Inputs 7 to 11. */
  more?: Ports;
  attributes?: OpCall['attributes'];
}

function attend({ ports = (same) => same, patterns = dense, more = Array(5).fill(null), attributes }: Change) {
  return runOp({
    op: 'SparseAttention',
    attributes: { num_heads: HEADS, kv_num_heads: 2, ...attributes },
    inputs: [...ports(good()), ...more, ['patterns', patterns]],
    outputs: [
      ['o', 'float32'],
      ['present_k', 'float32'],
      ['present_v', 'float32'],
    ],
  });
}

/** The inputs with one of them replaced. */
const withPort = (name: string, tensor: Tensor) => (ports: Ports) =>
  ports.map((port) => (port?.[0] === name ? ([name, tensor] as const) : port));
const patternRow = (...row: number[]) => int32([...row, ...Array(4 * (HEADS - 1)).fill(0)], [HEADS, 4]);
const random = (name: string, ...shape: number[]) => randomTensor('bad', name, shape);

describe('SparseAttention refuses', () => {
  test.each<[string, Change, RegExp]>([
    ['an unknown kind', { patterns: patternRow(4, 0, 0, 0) }, /kind 0 - 3/],
    ['a negative size', { patterns: patternRow(1, -1, 5, 0) }, /a >= 0/],
    ['unknown flags', { patterns: patternRow(1, 1, 5, 64) }, /flags 0 - /],
    ['patterns of too few heads', { patterns: int32([0, 0, 0, 0], [1, 4]) }, /head_patterns of shape \[4, 4\]/],
    [
      'patterns of three columns',
      { patterns: int32(Array(12).fill(0), [4, 3]) },
      /expected head_patterns.*found \[4, 3\]/,
    ],
    [
      'a query of another size',
      { ports: withPort('q', random('q', 1, 20, 126)) },
      /multiple of 4.*found \[1, 20, 126\]/,
    ],
    [
      'keys of fewer rows',
      { ports: withPort('k', random('k', 1, 19, 64)) },
      /key of shape \[1, 20, 64\], found \[1, 19, 64\]/,
    ],
    ['a past of other heads', { ports: withPort('past_k', random('pk', 1, 4, 12, 32)) }, /past_key of shape/],
    ['lengths beyond the total', { ports: withPort('seqlens', int32([99])) }, /total_sequence_length 32, found 99/],
    [
      'a past shorter than the lengths say',
      {
        ports: (ports) =>
          withPort('past_v', random('pv', 1, 2, 8, 32))(withPort('past_k', random('pk', 1, 2, 8, 32))(ports)),
      },
      /past_key with the 12 rows that seqlens_k tells of, found 8/,
    ],
    ['negative lengths', { ports: withPort('seqlens', int32([-5])) }, /seqlens_k/],
    ['a total below the rows', { ports: withPort('total', int32([3], [])) }, /total_sequence_length >= the 20/],
    ['a bias', { more: [null, null, null, ['bias', random('b', 1, 1, 20, 32)], null] }, /expected no attention_bias/],
    ['sinks of other heads', { more: [null, null, null, null, ['sink', random('s', 3)]] }, /head_sink of shape \[4\]/],
    ['rotary embedding without tables', { attributes: { do_rotary: 1 } }, /cos_cache/],
    [
      'rotary tables that end too early',
      {
        attributes: { do_rotary: 1 },
        more: [['cos', random('c', 31, 16)], ['sin', random('s', 31, 16)], null, null, null],
      },
      /positions below the 31 rows of cos_cache, found 31/,
    ],
    ['heads that KV heads do not divide', { attributes: { kv_num_heads: 3 } }, /multiple of kv_num_heads/],
    ['a window of 0', { attributes: { local_window_size: 0 } }, /local_window_size/],
    ['a negative soft-cap', { attributes: { softcap: { float: -1 } } }, /softcap/],
  ])('%s', async (_, change, message) => {
    await expect(attend(change)).rejects.toMatchObject({
      name: 'MinferenceError',
      code: 'RUNTIME_FAILED',
      message: expect.stringMatching(message),
    });
    const { o } = await attend({});
    expect((o!.data() as Float32Array).every(Number.isFinite)).toBe(true);
  });
});

describe('AttentionProbe refuses', () => {
  const probe = (budget: number[], candidates = [1, 10, 10, 1], ports = good()) =>
    runOp({
      op: 'AttentionProbe',
      attributes: { num_heads: HEADS, kv_num_heads: 2 },
      inputs: [
        ...ports,
        ...Array<null>(5).fill(null),
        ['candidates', int32(candidates, [candidates.length / 4, 4])],
        ['budget', Tensor.fromArray('float32', Float32Array.from(budget), [budget.length])],
      ],
      outputs: [
        ['o', 'float32'],
        ['present_k', 'float32'],
        ['present_v', 'float32'],
        ['scores', 'float32'],
      ],
    });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['a budget that is no number', () => probe([Number.NaN]), /finite budget >= 0, found nan/],
    ['a negative budget', () => probe([-1]), /finite budget >= 0/],
    ['two budgets', () => probe([1, 2]), /budget of shape \[1\], found \[2\]/],
    ['unknown candidates', () => probe([1], [7, 0, 0, 0]), /kind 0 - 3/],
    [
      'batches',
      () => {
        const pair = (name: string, width: number) => [name, random(name, 2, 20, width)] as const;
        const cache = (name: string) => [name, random(name, 2, 2, 12, 32)] as const;
        const ports: Ports = [pair('q', 128), pair('k', 64), pair('v', 64), cache('past_k'), cache('past_v')];
        return probe([1], [1, 10, 10, 1], [...ports, ['seqlens', int32([31, 31])], ['total', int32([32], [])]]);
      },
      /batch of 1, found 2/,
    ],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toMatchObject({ code: 'RUNTIME_FAILED', message: expect.stringMatching(message) });
  });
});
