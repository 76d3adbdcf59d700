import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { buildModel, doubler, externalInitializer, initializer, scaler } from './helpers/models.js';

const floats = (...values: number[]) => Tensor.fromArray('float32', Float32Array.from(values), [values.length]);
const create = (model: Uint8Array, more = {}) => Session.create({ model, device: 'cpu', threads: 1, ...more });
const failure = (work: Promise<unknown>) => work.then(() => undefined).catch((error: MinferenceError) => error);

describe('a session', () => {
  it('tells what the graph takes and gives', async () => {
    using session = await create(
      buildModel({
        inputs: [
          ['ids', 'int64', ['batch', 3]],
          ['mask', 'bool', ['batch', '']],
        ],
        outputs: [['y', 'float16', ['batch', 3]]],
        nodes: [
          { op: 'Cast', inputs: ['ids'], outputs: ['y'], attributes: { to: 10 } },
          { op: 'Identity', inputs: ['mask'], outputs: ['unused'] },
        ],
      }),
    );
    expect(session.inputs).toEqual([
      { name: 'ids', dtype: 'int64', shape: ['batch', 3] },
      { name: 'mask', dtype: 'bool', shape: ['batch', ''] },
    ]);
    expect(session.outputs).toEqual([{ name: 'y', dtype: 'float16', shape: ['batch', 3] }]);
    expect(session.device).toBe('cpu');
  });

  it('allocates outputs, on the host or on its device', async () => {
    using session = await create(doubler());
    using x = floats(1, 2, 3);
    for (const place of ['host', 'device'] as const) {
      using y = (await session.run({ x }, { y: place })).y!;
      expect([y.dtype, y.shape, y.byteLength, y.location]).toEqual(['float32', [3], 12, 'host']);
      expect(y.data()).toEqual(Float32Array.of(2, 4, 6));
    }
  });

  it('writes into the tensors it is given, which may be inputs as well', async () => {
    using session = await create(doubler());
    using x = floats(1, 2, 3);
    const results = await session.run({ x }, { y: x });
    expect(results.y).toBe(x);
    expect(x.data()).toEqual(Float32Array.of(2, 4, 6));
    await session.run({ x }, { y: x });
    expect(x.data()).toEqual(Float32Array.of(4, 8, 12));
  });

  it('feeds outputs of one run to the next without copies', async () => {
    using session = await create(doubler());
    let x = session.allocate('float32', [2]);
    await x.write(Float32Array.of(1, 3));
    for (let step = 0; step < 5; step++) {
      const { y } = await session.run({ x }, { y: 'device' });
      x.dispose();
      x = y!;
    }
    expect(x.data()).toEqual(Float32Array.of(32, 96));
  });

  it('runs only the outputs asked for', async () => {
    using session = await create(
      buildModel({
        inputs: [['x', 'float32', ['n']]],
        outputs: [
          ['twice', 'float32', ['n']],
          ['negative', 'float32', ['n']],
        ],
        nodes: [
          { op: 'Add', inputs: ['x', 'x'], outputs: ['twice'] },
          { op: 'Neg', inputs: ['x'], outputs: ['negative'] },
        ],
      }),
    );
    using x = floats(5);
    const results = await session.run({ x }, { negative: 'host' });
    expect(Object.keys(results)).toEqual(['negative']);
    expect(results.negative!.data()).toEqual(Float32Array.of(-5));
  });

  it('returns tensors that outlive it', async () => {
    const session = await create(doubler());
    using x = floats(7);
    const { y } = await session.run({ x }, { y: 'device' });
    session.dispose();
    expect(y!.data()).toEqual(Float32Array.of(14));
    y!.dispose();
  });

  it('refuses to run or to end a profile after dispose, which may be repeated', async () => {
    const session = await create(doubler());
    session.dispose();
    session.dispose();
    using x = floats(1);
    await expect(session.run({ x }, { y: 'host' })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('the session has been disposed'),
    });
    expect(() => session.endProfiling()).toThrow('the session has been disposed');
  });

  it('is disposed by `using`', async () => {
    let escaped: Session;
    {
      using session = await create(doubler());
      escaped = session;
    }
    using x = floats(1);
    expect((await failure(escaped.run({ x }, { y: 'host' })))?.message).toContain('disposed');
  });

  it('writes a profile', async () => {
    const folder = temporaryFolder();
    using session = await create(doubler(), { profilePrefix: join(folder, 'profile') });
    using x = floats(1);
    await session.run({ x }, { y: 'host' });
    const path = session.endProfiling();
    expect(path.startsWith(join(folder, 'profile'))).toBe(true);
    expect(existsSync(path)).toBe(true);
  });

  it.each(['none', 'basic', 'extended', 'all'] as const)('optimizes: %s', async (optimization) => {
    using session = await create(scaler(initializer('w', 'float32', [2], Float32Array.of(3, 5))), { optimization });
    using x = floats(1, 1);
    expect((await session.run({ x }, { y: 'host' })).y!.data()).toEqual(Float32Array.of(3, 5));
  });

  it('knows the ops of ai.minference unless it is told to be plain ONNX Runtime', async () => {
    const model = buildModel({
      inputs: [
        ['qkv', 'float32', [1, 'rows', 48]],
        ['last', 'int32', [1]],
        ['total', 'int32', [1]],
        ['patterns', 'int32', [1, 4]],
      ],
      outputs: [['y', 'float32', [1, 'rows', 16]]],
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
    (await create(model)).dispose();
    const error = await failure(create(model, { customOps: false }));
    expect(error).toMatchObject({ code: 'RUNTIME_FAILED', message: expect.stringContaining('SparseAttention') });
  });
});

describe('models that cannot be loaded', () => {
  const whole = doubler();

  it.each([
    ['garbage', Uint8Array.from({ length: 4096 }, (_, index) => (index * 131 + 7) % 251)],
    ['zeros', new Uint8Array(1000)],
  ])('%s', async (_, model) => {
    const error = await failure(create(model));
    expect(error).toBeInstanceOf(MinferenceError);
    expect(error!.code).toBe('RUNTIME_FAILED');
    expect(error!.message).toContain('the model cannot be loaded (ONNX Runtime: INVALID_PROTOBUF)');
    expect(error!.stack).toContain('session.test.ts');
  });

  it('nothing', async () => {
    expect((await failure(create(new Uint8Array())))?.code).toBe('RUNTIME_FAILED');
  });

  it('truncated anywhere', async () => {
    let failed = 0;
    for (let length = 0; length < whole.length; length += 3) {
      const error = await failure(create(whole.slice(0, length)));
      if (error) expect(error.code, `${length} bytes`).toBe('RUNTIME_FAILED');
      failed += error ? 1 : 0;
    }
    // A cut between two fields leaves a well-formed message, which may even be a smaller model.
    expect(failed).toBeGreaterThan(whole.length / 3 / 2);
  });

  it('with one byte changed', async () => {
    for (let at = 0; at < whole.length; at++) {
      const error = await failure(create(whole.with(at, whole[at]! ^ 0x5a)));
      if (error) expect(['RUNTIME_FAILED', 'MODEL_UNSUPPORTED']).toContain(error.code);
    }
  });

  it('with an op that does not exist', async () => {
    const model = buildModel({
      inputs: [['x', 'float32', [1]]],
      outputs: [['y', 'float32', [1]]],
      nodes: [{ op: 'NoSuchOp', inputs: ['x'], outputs: ['y'] }],
    });
    const error = await failure(create(model));
    expect(error?.message).toMatch(/ONNX Runtime: (FAIL|INVALID_GRAPH|NOT_IMPLEMENTED)\).*NoSuchOp/s);
  });

  it('with outputs that are no tensors', async () => {
    const model = buildModel({
      inputs: [['x', 'float32', [2]]],
      outputs: [['y', 'float32', [2]]],
      sequences: ['y'],
      nodes: [{ op: 'SequenceConstruct', inputs: ['x'], outputs: ['y'] }],
    });
    expect((await failure(create(model)))?.message).toContain('found another type for output y');
  });
});

describe('external data', () => {
  const model = scaler(externalInitializer('w', 'float32', [2], 'weights.bin'));

  it('is found in the folder given', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'weights.bin'), Float32Array.of(10, 100));
    using session = await create(model, { externalDataFolder: folder });
    using x = floats(1, 2);
    expect((await session.run({ x }, { y: 'host' })).y!.data()).toEqual(Float32Array.of(10, 200));
  });

  it('that is missing is an error naming the file', async () => {
    const error = await failure(create(model, { externalDataFolder: temporaryFolder() }));
    expect(error).toMatchObject({ code: 'RUNTIME_FAILED', message: expect.stringContaining('weights.bin') });
  });

  it('that is too short is an error', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'weights.bin'), Float32Array.of(10));
    expect((await failure(create(model, { externalDataFolder: folder })))?.code).toBe('RUNTIME_FAILED');
  });

  it('that leaves the folder is an error', async () => {
    const escaping = scaler(externalInitializer('w', 'float32', [2], '../../../../etc/hostname'));
    expect((await failure(create(escaping, { externalDataFolder: temporaryFolder() })))?.code).toBe('RUNTIME_FAILED');
  });
});

describe('feeds and fetches', () => {
  let session: Session;
  beforeAll(async () => {
    session = await create(
      buildModel({
        inputs: [
          ['a', 'float32', ['n', 2]],
          ['b', 'float32', ['n', 2]],
        ],
        outputs: [['sum', 'float32', ['n', 2]]],
        nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['sum'] }],
      }),
    );
  });
  afterAll(() => session.dispose());
  const pair = (rows = 1, columns = 2) => Tensor.allocate('float32', [rows, columns]);
  type Case = [what: string, Record<string, Tensor>, Record<string, 'host' | Tensor>, expected: string];
  const cases = (): Case[] => [
    ['an unknown input', { a: pair(), b: pair(), c: pair() }, { sum: 'host' }, "graph's inputs (a, b), found c"],
    ['a missing input', { a: pair() }, { sum: 'host' }, 'a tensor for input b, found none'],
    ['an unknown output', { a: pair(), b: pair() }, { product: 'host' }, "graph's outputs (sum), found product"],
    ['no output', { a: pair(), b: pair() }, {}, 'at least one output'],
    [
      'another type',
      { a: pair(), b: Tensor.allocate('int8', [1, 2]) },
      { sum: 'host' },
      'float32 for input b, found int8',
    ],
    [
      'another type of target',
      { a: pair(), b: pair() },
      { sum: Tensor.allocate('int8', [1, 2]) },
      'for output sum, found int8',
    ],
    ['another fixed dimension', { a: pair(1, 3), b: pair(1, 3) }, { sum: 'host' }, 'Got: 3 Expected: 2'],
    ['another rank', { a: pair(), b: Tensor.allocate('float32', [2]) }, { sum: 'host' }, 'Invalid rank for input: b'],
    ['shapes that do not fit each other', { a: pair(3), b: pair(2) }, { sum: 'host' }, 'Attempting to broadcast'],
    ['a target of another shape', { a: pair(2), b: pair(2) }, { sum: pair(3) }, 'INVALID_ARGUMENT'],
  ];

  it.each(cases())('%s', async (_, feeds, fetches, text) => {
    const error = await failure(session.run(feeds, fetches));
    expect(error).toBeInstanceOf(MinferenceError);
    expect(error!.code).toBe('RUNTIME_FAILED');
    expect(error!.message).toContain(text);
  });

  it('a disposed tensor', async () => {
    const [a, b] = [pair(), pair()];
    b.dispose();
    expect((await failure(session.run({ a, b }, { sum: 'host' })))?.message).toContain('the tensor has been disposed');
    expect((await failure(session.run({ a, b: a }, { sum: b })))?.message).toContain('the tensor has been disposed');
  });

  it('leave the session usable', async () => {
    const a = Tensor.fromArray('float32', Float32Array.of(1, 2), [1, 2]);
    expect((await session.run({ a, b: a }, { sum: 'host' })).sum!.data()).toEqual(Float32Array.of(2, 4));
  });
});
