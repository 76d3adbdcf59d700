import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startOpTimes } from '../../src/prefill/op-times.js';
import { watchLayers } from '../../src/prefill/watch-layers.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { randomTensor } from '../kernels/op-session.js';
import { buildModel } from '../runtime/helpers/models.js';

const HEAD = 16;
const ROWS = 640;

/** A graph of one attention op over a prompt without a past. */
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

async function attend(session: Session, pattern: readonly number[]) {
  using qkv = randomTensor('times', 'qkv', [1, ROWS, 3 * HEAD]);
  using last = int32(ROWS - 1);
  using total = int32(ROWS);
  using patterns = Tensor.fromArray('int32', Int32Array.from(pattern), [1, 4]);
  using _y = (await session.run({ qkv, last, total, patterns }, { y: 'host' })).y!;
}

const open = () => Session.create({ model, device: 'cpu', threads: 1 });
const DENSE = [0, 0, 0, 0];
/** A sink of one block and the window of the diagonal, never replaced by dense attention. */
const NARROW = [1, 16, 16, 1];

describe('counters', () => {
  test('are each session’s own, while both run', async () => {
    using first = await open();
    using second = await open();
    await Promise.all([
      ...Array.from({ length: 5 }, () => attend(first, DENSE)),
      ...Array.from({ length: 2 }, () => attend(second, NARROW)),
    ]);
    const [a, b] = [first.counters()!, second.counters()!];
    expect([a.calls, b.calls]).toEqual([5, 2]);
    // Tiles of 64 rows × 16 keys: 10 row blocks see 4, 8 … 40 of them.
    const dense = 4 * ((10 * 11) / 2);
    expect([a.tiles, a.denseTiles]).toEqual([5 * dense, 5 * dense]);
    // The sink's tile, and the five that a window of 16 keys crosses in 64 rows; the first block sees four in all.
    expect([b.tiles, b.denseTiles]).toEqual([2 * (4 + 9 * 6), 2 * dense]);
    expect(a.totalMs).toBeGreaterThan(0);
    expect(a.indexMs).toBeLessThanOrEqual(a.totalMs);
  });

  test('go with their session', async () => {
    const session = await open();
    await attend(session, DENSE);
    session.dispose();
    expect(session.counters()).toBeNull();
  });

  test('are null in a graph without attention ops', async () => {
    const plain = buildModel({
      inputs: [['x', 'float32', [1]]],
      outputs: [['y', 'float32', [1]]],
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
    });
    using _other = await open();
    using session = await Session.create({ model: plain, device: 'cpu', threads: 1 });
    expect(session.counters()).toBeNull();
  });
});

test('times are between two readings', async () => {
  using session = await open();
  await attend(session, DENSE);
  const read = startOpTimes(session);
  expect(read()).toEqual({ indexMs: 0, attentionMs: 0, computed: null });
  await attend(session, NARROW);
  const { attentionMs, computed } = read();
  expect(attentionMs).toBeGreaterThan(0);
  expect(computed).toBeCloseTo((4 + 9 * 6) / 220, 10);
});

describe('watchLayers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const counted = (calls: () => number) => ({
    counters: () => ({ indexMs: 0, totalMs: 0, calls: calls(), tiles: 0, denseTiles: 0 }),
  });

  test('reports the layers that a run has finished, and nothing after it', async () => {
    let calls = 7;
    const seen: number[] = [];
    const session = counted(() => calls);
    const value = await watchLayers(session, { layers: 3, onLayers: (finished) => seen.push(finished) }, async () => {
      await vi.advanceTimersByTimeAsync(250);
      calls = 9;
      await vi.advanceTimersByTimeAsync(200);
      calls = 12;
      await vi.advanceTimersByTimeAsync(200);
      return 'done';
    });
    expect(value).toBe('done');
    expect(seen).toEqual([0, 2, 3]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toHaveLength(3);
  });

  test('a count that cannot be read stops no run', async () => {
    let broken = false;
    const session = {
      counters() {
        if (broken) throw new Error('lost');
        return null;
      },
    };
    const seen: number[] = [];
    const value = await watchLayers(session, { layers: 3, onLayers: (finished) => seen.push(finished) }, async () => {
      broken = true;
      await vi.advanceTimersByTimeAsync(500);
      return 1;
    });
    expect([value, seen]).toEqual([1, []]);
  });
});
