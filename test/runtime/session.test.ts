import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { locateNativeFiles } from '../../src/runtime/locate.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { doubler, matmulChain } from './helpers/models.js';

const vector = (...values: number[]) => Tensor.fromArray('float32', Float32Array.from(values), [values.length]);
const failure = (code: string) => expect.objectContaining({ name: 'MinferenceError', code });

describe('sessions', () => {
  test('run a graph, into new tensors and into given ones', async () => {
    using session = await Session.create({ model: doubler(), device: 'cpu' });
    expect(session.inputs).toMatchObject([{ name: 'x', dtype: 'float32', shape: ['n'] }]);
    const fresh = await session.run({ x: vector(1, 2, 3) }, { y: 'host' });
    expect([...fresh.y!.data()]).toEqual([2, 4, 6]);
    const target = vector(0, 0, 0);
    await session.run({ x: vector(4, 5, 6) }, { y: target });
    expect([...target.data()]).toEqual([8, 10, 12]);
  });

  test('run at the same time', async () => {
    using session = await Session.create({ model: doubler(), device: 'cpu' });
    const results = await Promise.all([1, 2, 3, 4].map((value) => session.run({ x: vector(value) }, { y: 'host' })));
    expect(results.map(({ y }) => y!.data()[0])).toEqual([2, 4, 6, 8]);
  });

  test('leave the event loop free and stop when told to', async () => {
    using session = await Session.create({ model: matmulChain(200), device: 'cpu', optimization: 'none' });
    const size = 512;
    const matrix = Tensor.fromArray('float32', new Float32Array(size * size), [size, size]);
    const stop = new AbortController();
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
      if (ticks === 3) stop.abort();
    }, 1);
    await expect(session.run({ x: matrix, w: matrix }, { y: 'host' }, { signal: stop.signal })).rejects.toEqual(
      failure('ABORTED'),
    );
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(3);
  });

  test.each([
    ['no bytes', new Uint8Array(0)],
    ['bytes of nothing', new Uint8Array(100).fill(7)],
    ['a truncated model', doubler().slice(0, 40)],
  ])('refuse %s with an error, not a crash', async (_, model) => {
    await expect(Session.create({ model, device: 'cpu' })).rejects.toHaveProperty('name', 'MinferenceError');
  });

  test('name what is wrong with a feed', async () => {
    using session = await Session.create({ model: doubler(), device: 'cpu' });
    await expect(session.run({ z: vector(1) }, { y: 'host' })).rejects.toHaveProperty('name', 'MinferenceError');
    const integers = Tensor.fromArray('int32', Int32Array.of(1), [1]);
    await expect(session.run({ x: integers }, { y: 'host' })).rejects.toHaveProperty('name', 'MinferenceError');
  });

  test('say so after dispose', async () => {
    const session = await Session.create({ model: doubler(), device: 'cpu' });
    session.dispose();
    await expect(async () => session.run({ x: vector(1) }, { y: 'host' })).rejects.toThrow(/disposed/);
  });
});

test('a tensor of the wrong number of elements is refused', () => {
  expect(() => Tensor.fromArray('float32', new Float32Array(3), [2, 2])).toThrow();
});

test('onnxruntime-node works in the same process and agrees', async () => {
  const { default: ort } = await import('onnxruntime-node');
  const theirs = await ort.InferenceSession.create(doubler());
  const { y } = await theirs.run({ x: new ort.Tensor('float32', Float32Array.of(1.5), [1]) });
  using ours = await Session.create({ model: doubler(), device: 'cpu' });
  const result = await ours.run({ x: vector(1.5) }, { y: 'host' });
  expect([...result.y!.data()]).toEqual([...(y!.data as Float32Array)]);
});

test('the op library exports RegisterCustomOps alone', () => {
  const symbols = execFileSync('nm', ['-D', '--defined-only', locateNativeFiles().ops], { encoding: 'utf8' });
  expect(
    symbols
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)),
  ).toEqual(['RegisterCustomOps']);
});
