import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { DTYPES } from '../../src/runtime/dtype.js';
import { Tensor } from '../../src/runtime/tensor.js';
import type { DType, HostData } from '../../src/runtime/types.js';

const samples: [DType, HostData][] = [
  ['float64', Float64Array.of(Math.PI, -1e300)],
  ['float32', Float32Array.of(1.5, -2.25)],
  ['float16', Uint16Array.of(0x3c00, 0xc000)],
  ['bfloat16', Uint16Array.of(0x3f80, 0xbf80)],
  ['int64', BigInt64Array.of(2n ** 62n, -5n)],
  ['int32', Int32Array.of(2 ** 31 - 1, -5)],
  ['int8', Int8Array.of(127, -128)],
  ['uint8', Uint8Array.of(0, 255)],
  ['bool', Uint8Array.of(1, 0)],
];

describe('a tensor', () => {
  it.each(samples)('of %s keeps its elements bit by bit', async (dtype, data) => {
    using tensor = Tensor.fromArray(dtype, data, [1, 2]);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([1, 2]);
    expect(tensor.byteLength).toBe(data.byteLength);
    expect(tensor.data()).toEqual(data);
    expect(await tensor.toHost()).toEqual(data);
  });

  it('has an example of every element type above', () => {
    expect(samples.map(([dtype]) => dtype).sort()).toEqual(Object.keys(DTYPES).sort());
  });

  it('copies what it is made from, and shares what it shows', () => {
    const source = Float32Array.of(1, 2);
    using tensor = Tensor.fromArray('float32', source, [2]);
    source[0] = 9;
    expect(tensor.data()[0]).toBe(1);
    tensor.data()[1] = 7;
    expect(tensor.data()[1]).toBe(7);
    expect(tensor.data().buffer).toBe(tensor.data().buffer);
  });

  it('copies to the host', async () => {
    using tensor = Tensor.fromArray('float32', Float32Array.of(1, 2), [2]);
    const copy = await tensor.toHost();
    tensor.data()[0] = 5;
    expect(copy[0]).toBe(1);
  });

  it('takes parts of arrays, at an offset', async () => {
    using tensor = Tensor.fromArray('int32', new Int32Array(4), [4]);
    await tensor.write(Int32Array.of(0, 1, 2, 3).subarray(1, 3), 2);
    await tensor.write(new Int32Array(0), 4);
    expect(tensor.data()).toEqual(Int32Array.of(0, 0, 1, 2));
  });

  it('may be a scalar or empty', async () => {
    using scalar = Tensor.fromArray('float32', Float32Array.of(3), []);
    expect([scalar.shape, scalar.data()]).toEqual([[], Float32Array.of(3)]);
    using empty = Tensor.fromArray('float32', new Float32Array(0), [2, 0, 3]);
    expect([empty.shape, empty.byteLength, empty.data().length]).toEqual([[2, 0, 3], 0, 0]);
    expect((await empty.toHost()).length).toBe(0);
  });

  it.each([
    ['too many elements', () => Tensor.fromArray('float32', new Float32Array(3), [2]), 'expected 2 elements'],
    [
      'an array of another type',
      () => Tensor.fromArray('float16', new Float32Array(2), [2]),
      'expected a Uint16Array for elements of float16, found a Float32Array',
    ],
    ['negative dimensions', () => Tensor.allocate('float32', [2, -1]), 'expected dimensions >= 0, found [2, -1]'],
    ['fractions of dimensions', () => Tensor.allocate('float32', [1.5]), 'expected dimensions >= 0'],
    ['NaN', () => Tensor.allocate('float32', [Number.NaN]), 'expected dimensions >= 0'],
    ['sizes beyond any memory', () => Tensor.allocate('int64', [2 ** 40, 2 ** 40]), 'fits in memory'],
    ['sizes beyond this memory', () => Tensor.allocate('int64', [2 ** 50]), 'out of memory'],
  ])('refuses %s', (_, make, text) => {
    expect(make).toThrow(MinferenceError);
    expect(make).toThrow(text);
  });

  it.each([
    ['elements beyond its end', Int32Array.of(1, 2), 3],
    ['a negative offset', Int32Array.of(1), -1],
    ['half an element', Int32Array.of(1), 0.5],
    ['elements of another type', Float32Array.of(1), 0],
  ])('does not write %s', async (_, data, offset) => {
    using tensor = Tensor.fromArray('int32', new Int32Array(4), [4]);
    await expect(tensor.write(data, offset)).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
    expect(tensor.data()).toEqual(new Int32Array(4));
  });

  it('is empty after dispose, which may be repeated', async () => {
    const tensor = Tensor.fromArray('float32', Float32Array.of(1, 2), [2]);
    const view = tensor.data();
    tensor.dispose();
    tensor.dispose();
    expect(view.length).toBe(0);
    expect(tensor.shape).toEqual([2]);
    const disposed = { code: 'RUNTIME_FAILED', message: expect.stringContaining('the tensor has been disposed') };
    expect(() => tensor.data()).toThrow(expect.objectContaining(disposed));
    await expect(tensor.toHost()).rejects.toMatchObject(disposed);
    await expect(tensor.write(Float32Array.of(1))).rejects.toMatchObject(disposed);
  });

  it('is disposed by `using`', () => {
    let view: HostData;
    {
      using tensor = Tensor.fromArray('float32', Float32Array.of(1), [1]);
      view = tensor.data();
      expect(view.length).toBe(1);
    }
    expect(view.length).toBe(0);
  });
});
