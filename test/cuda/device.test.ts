import { expect, test } from 'vitest';
import { describeNative } from '../../src/runtime/describe-native.js';
import { resolveDevice } from '../../src/runtime/device.js';
import { cudaMemory, kernelGeometry } from '../../src/runtime/native.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { doubler, matmulChain } from '../runtime/helpers/models.js';
import { describeCuda } from './helpers/cuda.js';

describeCuda('the device', () => {
  test('is found and described', async () => {
    expect(await resolveDevice({})).toMatchObject({ kind: 'cuda', id: 0, reason: null });
    expect(await resolveDevice({ deviceId: 0 })).toMatchObject({ kind: 'cuda', id: 0 });
    await expect(resolveDevice({ deviceId: 99 })).rejects.toThrow(
      /one of the CUDA devices 0 \(NVIDIA .*\), found number 99/,
    );
    const { cuda } = await describeNative();
    expect(cuda).toMatchObject({ problem: null });
    expect(cuda!.devices[0]).toMatchObject({ id: 0, name: expect.stringContaining('NVIDIA') });
    expect(cudaMemory(0).freeBytes).toBeGreaterThan(0);
    for (const headDim of [64, 96, 128, 256]) expect(kernelGeometry(headDim, 'cuda').blockM % 64).toBe(0);
  });

  test('its tensors are written, read and refused as views', async () => {
    using session = await Session.create({ model: doubler(), device: 'cuda' });
    using tensor = session.allocate('float32', [5]);
    expect(tensor.location).toBe('cuda');
    await tensor.write(Float32Array.of(1, 2, 3, 4, 5));
    await tensor.write(Float32Array.of(9), 2);
    expect(await tensor.toHost()).toEqual(Float32Array.of(1, 2, 9, 4, 5));
    expect(() => tensor.data()).toThrow(/device's memory/);
    using empty = session.allocate('float16', [0, 4]);
    expect(await empty.toHost()).toHaveLength(0);
  });

  test('inputs and outputs may be on either side', async () => {
    using session = await Session.create({ model: doubler(), device: 'cuda' });
    using host = Tensor.fromArray('float32', Float32Array.of(1, 2), [2]);
    using x = session.allocate('float32', [2]);
    await x.write(Float32Array.of(3, 4));
    const onDevice = await session.run({ x: host }, { y: 'device' });
    expect(onDevice.y!.location).toBe('cuda');
    expect(await onDevice.y!.toHost()).toEqual(Float32Array.of(2, 4));
    const onHost = await session.run({ x }, { y: 'host' });
    expect(onHost.y!.location).toBe('host');
    expect(onHost.y!.data()).toEqual(Float32Array.of(6, 8));
    await session.run({ x }, { y: x });
    expect(await x.toHost()).toEqual(Float32Array.of(6, 8));
    onDevice.y!.dispose();
    onHost.y!.dispose();
  });

  test('its outputs outlive the session', async () => {
    const session = await Session.create({ model: doubler(), device: 'cuda' });
    using host = Tensor.fromArray('float32', Float32Array.of(1, 2), [2]);
    const { y } = await session.run({ x: host }, { y: 'device' });
    session.dispose();
    expect(await y!.toHost()).toEqual(Float32Array.of(2, 4));
    y!.dispose();
  });

  test('runs of one session may overlap', async () => {
    using session = await Session.create({ model: matmulChain(20), device: 'cuda' });
    const identity = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 65 === 0 ? 1 : 0));
    using w = Tensor.fromArray('float32', identity, [64, 64]);
    const results = await Promise.all(
      [1, 2, 3, 4].map(async (value) => {
        using x = Tensor.fromArray('float32', new Float32Array(64 * 64).fill(value), [64, 64]);
        const { y } = await session.run({ x, w }, { y: 'host' });
        return (y!.data() as Float32Array)[77];
      }),
    );
    expect(results).toEqual([1, 2, 3, 4]);
  });
});
