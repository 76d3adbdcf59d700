import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors } from '../../models/safetensors.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minference-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(header: unknown, data: Uint8Array, headerBytes?: number): Promise<string> {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerBytes ?? text.length));
  const path = join(folder, `${Math.random()}.safetensors`);
  await writeFile(path, Buffer.concat([length, text, data]));
  return path;
}

test('float16 and float32 tensors come out as float32', async () => {
  const half = Uint8Array.from([0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00]);
  const single = new Uint8Array(Float32Array.of(0.1, -3).buffer);
  const path = await write(
    {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
      b: { dtype: 'F32', shape: [2], data_offsets: [8, 16] },
    },
    Buffer.concat([half, single]),
  );
  const weights = await readSafetensors(path);
  expect(weights.names).toEqual(['a', 'b']);
  expect([...weights.get('a')]).toEqual([1, -2, 65504, 2 ** -24]);
  expect([...weights.get('b')]).toEqual([Math.fround(0.1), -3]);
  expect(() => weights.get('c')).toThrow(/no tensor "c"/);
});

test.each([
  ['a header beyond the file', () => write({}, new Uint8Array(4), 1e9), undefined],
  [
    'a tensor beyond the file',
    () => write({ a: { dtype: 'F16', shape: [9], data_offsets: [0, 18] } }, new Uint8Array(4)),
    'a',
  ],
  [
    'offsets that do not fit the shape',
    () => write({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, new Uint8Array(8)),
    'a',
  ],
])('%s is refused', async (_, make, name) => {
  const path = await make();
  await expect(readSafetensors(path).then((weights) => weights.get(name ?? 'a'))).rejects.toThrow(
    /expected a safetensors file/,
  );
});

test('other element types are refused', async () => {
  const path = await write({ a: { dtype: 'BF16', shape: [1], data_offsets: [0, 2] } }, new Uint8Array(2));
  await expect(readSafetensors(path)).rejects.toThrow(/F16/);
});
