import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, test } from 'vitest';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { doubler } from './helpers/models.js';

const MB = 2 ** 20;
const TENSOR_BYTES = 32 * MB;
const ROUNDS = 40;
/** Far below the sum of all rounds, far above what a few of them hold. */
const BOUND = (ROUNDS * TENSOR_BYTES) / 3;

let collectGarbage: () => Promise<void>;
beforeAll(() => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Finalizers run on a later turn of the event loop.
  collectGarbage = async () => {
    collect();
    await new Promise(setImmediate);
  };
});

const resident = () => process.memoryUsage.rss();
const ones = new Float32Array(TENSOR_BYTES / 4).fill(1);
const big = () => Tensor.fromArray('float32', ones, [ones.length]);

async function growth(round: () => Promise<void>): Promise<number> {
  await round();
  await collectGarbage();
  const before = resident();
  for (let index = 0; index < ROUNDS; index++) {
    await round();
    if (index % 4 === 3) await collectGarbage();
  }
  await collectGarbage();
  return resident() - before;
}

test('tensors that are forgotten go with the garbage', async () => {
  const forget = async () => void big();
  expect(await growth(forget)).toBeLessThan(BOUND);
});

test('outputs that are forgotten go with the garbage', async () => {
  using session = await Session.create({ model: doubler(), device: 'cpu' });
  using x = big();
  const forget = async () => void (await session.run({ x }, { y: 'device' }));
  expect(await growth(forget)).toBeLessThan(BOUND);
});

test('disposed tensors go at once', async () => {
  const before = resident();
  for (let index = 0; index < ROUNDS; index++) big().dispose();
  expect(resident() - before).toBeLessThan(BOUND);
});

test('sessions that are forgotten go with the garbage', async () => {
  const { heapUsed } = process.memoryUsage();
  const forget = async () => void (await Session.create({ model: doubler(), device: 'cpu', threads: 1 }));
  expect(await growth(forget)).toBeLessThan(100 * MB);
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(50 * MB);
});

test('the collector comes by itself: it knows what the small objects hold', async () => {
  const before = resident();
  for (let index = 0; index < ROUNDS; index++) {
    big();
    await new Promise(setImmediate);
  }
  expect(resident() - before).toBeLessThan(BOUND);
});
