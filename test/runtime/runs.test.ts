import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { doubler, matmulChain } from './helpers/models.js';

const SIZE = 384;
const DEPTH = 80;

describe('runs on other threads', () => {
  let session: Session;
  let x: Tensor;
  beforeAll(async () => {
    session = await Session.create({ model: matmulChain(DEPTH), device: 'cpu', threads: 1 });
    const identity = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % (SIZE + 1) === 0 ? 1 : 0));
    x = Tensor.fromArray('float32', identity, [SIZE, SIZE]);
  });
  afterAll(() => {
    session.dispose();
    x.dispose();
  });
  const run = (options = {}) => session.run({ x, w: x }, { y: 'host' }, options);

  it('leave the event loop free', async () => {
    let done = false;
    let turns = 0;
    const running = run().finally(() => {
      done = true;
    });
    for (; !done; turns++) await nextTurn();
    using y = (await running).y!;
    expect(y.data()).toEqual(x.data());
    // A blocked loop would come to one or two.
    expect(turns).toBeGreaterThan(20);
  });

  it('may share a session', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => run()));
    for (const { y } of results) {
      expect(y!.data()).toEqual(x.data());
      y!.dispose();
    }
  });

  it('stop when the signal fires, before they are done', async () => {
    const ended: string[] = [];
    const whole = run().finally(() => ended.push('whole'));
    const controller = new AbortController();
    const stopped = run({ signal: controller.signal }).finally(() => ended.push('stopped'));
    // Both are under way, side by side.
    await sleep(5);
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toMatchObject({
      code: 'ABORTED',
      cause: expect.objectContaining({ message: 'enough' }),
    });
    using _whole = (await whole).y!;
    expect(ended).toEqual(['stopped', 'whole']);
    // The session is as good as before.
    using again = (await run()).y!;
    expect(again.data()).toEqual(x.data());
  });

  it('do not start after the signal has fired', async () => {
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('leave no listeners on the signal', async () => {
    const controller = new AbortController();
    const added: string[] = [];
    const removed: string[] = [];
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, ...rest: [never, never?]) => {
      added.push(type);
      add(type, ...rest);
    };
    signal.removeEventListener = (type: string, ...rest: [never, never?]) => {
      removed.push(type);
      remove(type, ...rest);
    };
    (await run({ signal })).y!.dispose();
    expect(added).toEqual(['abort']);
    expect(removed).toEqual(['abort']);
  });

  it('survive the disposal of everything they use', async () => {
    const mine = await Session.create({ model: matmulChain(DEPTH), device: 'cpu', threads: 1 });
    const input = Tensor.fromArray('float32', x.data() as Float32Array, [SIZE, SIZE]);
    const target = Tensor.allocate('float32', [SIZE, SIZE]);
    const running = mine.run({ x: input, w: input }, { y: target });
    mine.dispose();
    input.dispose();
    target.dispose();
    expect((await running).y).toBe(target);
    expect(() => target.data()).toThrow('disposed');
  });
});

it('creation stops when the signal fires', async () => {
  const model = doubler();
  const aborted = { code: 'ABORTED' };
  await expect(Session.create({ model, device: 'cpu', signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
  const controller = new AbortController();
  const creating = Session.create({ model: matmulChain(3000), device: 'cpu', signal: controller.signal });
  controller.abort();
  await expect(creating).rejects.toMatchObject(aborted);
});
