import { describe, expect, test } from 'vitest';
import { OpBench } from '../../src/runtime/costs/op-bench.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { buildModel } from '../runtime/helpers/models.js';
import { randomTensor } from './op-session.js';

const ROWS = 512;
const HEAD = 16;
const KEY = 'ai.minference.costs.cpu';

const model = buildModel({
  inputs: [
    ['qkv', 'float32', [1, 'rows', 3 * HEAD]],
    ['last', 'int32', [1]],
    ['total', 'int32', [1]],
    ['patterns', 'int32', [1, 4]],
  ],
  outputs: [['y', 'float32', [1, 'rows', HEAD]]],
  nodes: [
    {
      op: 'SparseAttention',
      domain: 'ai.minference',
      inputs: ['qkv', '', '', '', '', 'last', 'total', '', '', '', '', '', 'patterns'],
      outputs: ['y'],
      attributes: { num_heads: 1, kv_num_heads: 1 },
    },
  ],
});

const int32 = (...values: number[]) => Tensor.fromArray('int32', Int32Array.from(values), [values.length]);

/** Output of a head with a window of 32 keys, or of what the op computes in its place. */
async function attend(config: Record<string, string>, pattern = [1, 0, 32, 0]): Promise<Float32Array> {
  using session = await Session.create({ model, device: 'cpu', threads: 1, config });
  const feeds = {
    qkv: randomTensor('costs', 'qkv', [1, ROWS, 3 * HEAD]),
    last: int32(ROWS - 1),
    total: int32(ROWS),
    patterns: Tensor.fromArray('int32', Int32Array.from(pattern), [1, 4]),
  };
  const { y } = await session.run(feeds, { y: 'host' });
  return y!.data() as Float32Array;
}

describe('costs of a session', () => {
  test('decide when a head falls back to dense', async () => {
    const dense = await attend({}, [0, 0, 0, 0]);
    const sparse = await attend({});
    expect(sparse).not.toEqual(dense);
    expect(await attend({ [KEY]: 'sparse_tile=1000' })).toEqual(dense);
    expect(await attend({ [KEY]: `least_context=${ROWS + 1}` })).toEqual(dense);
    expect(await attend({ [KEY]: `sparse_tile=1.5 least_context=${ROWS}` })).toEqual(sparse);
  });

  test('of sessions side by side do not mix', async () => {
    using dear = await Session.create({ model, device: 'cpu', threads: 1, config: { [KEY]: 'sparse_tile=1000' } });
    expect(dear.device).toBe('cpu');
    expect(await attend({})).not.toEqual(await attend({}, [0, 0, 0, 0]));
  });

  test.each([
    ['an unknown field', 'speed=1', /expected a field of the cost model, found "speed"/],
    ['a word that is no pair', 'sparse_tile', /to be name=number pairs, found "sparse_tile"/],
    ['a number below 0', 'index_flop=-1', /name=number pairs, found "index_flop=-1"/],
    ['no number', 'per_head=nan', /name=number pairs, found "per_head=nan"/],
    ['more than a number', 'per_head=1x', /name=number pairs, found "per_head=1x"/],
  ])('%s is refused when the session is made', async (_, entry, message) => {
    await expect(attend({ [KEY]: entry })).rejects.toThrow(message);
  });
});

test('the op can be timed alone, for every kind of pattern', async () => {
  using bench = await OpBench.open({ device: 'cpu', threads: 1, heads: 2, kvHeads: 1, headDim: HEAD });
  const ms = await bench.times(
    ROWS,
    { dense: [0, 0, 0], nothing: [1, 0, 0], thin: [2, 30, 100], blocks: [3, 1, 0] },
    2,
  );
  for (const time of Object.values(ms)) expect(time).toBeGreaterThan(0);
  expect(Object.values(ms).every(Number.isFinite)).toBe(true);
});
