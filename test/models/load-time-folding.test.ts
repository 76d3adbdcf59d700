import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { ValueInfoProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import { inverseFrequencies } from '../../models/builder/rotary.js';
import { openPlainDecoder } from '../../models/plain-decoder.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minference-folding-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const LONG = { maxPositions: 131_072, ropeTheta: 1e6, rotaryCaches: 'computed', numLayers: 1 } as const;

test('computed angles agree with float64 at every scale of positions', async () => {
  const built = buildDecoder(LONG);
  for (const name of ['cos_cache', 'sin_cache']) {
    built.proto.graph!.output.push(
      create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: { elemType: 1 } } } }),
    );
  }
  const { session, run, release } = await openPlainDecoder(built, { headDim: 16 });
  await run([1]);
  const { Tensor } = await import('onnxruntime-node');
  const ids = new Tensor('int64', BigInt64Array.of(1n), [1, 1]);
  const cache = () => new Tensor('float32', new Float32Array(0), [1, 2, 0, 16]);
  const feeds = {
    input_ids: ids,
    attention_mask: ids,
    'past_key_values.0.key': cache(),
    'past_key_values.0.value': cache(),
  };
  const { cos_cache, sin_cache } = await session.run(feeds, ['cos_cache', 'sin_cache']);
  expect(cos_cache!.dims).toEqual([131_072, 8]);
  const frequencies = inverseFrequencies({ ropeTheta: 1e6, rotaryDim: 16 });
  let worst = 0;
  for (let position = 0; position < 131_072; position += 1 + (position >> 6)) {
    for (const [index, frequency] of frequencies.entries()) {
      const at = position * 8 + index;
      worst = Math.max(worst, Math.abs((cos_cache!.data as Float32Array)[at]! - Math.cos(position * frequency)));
      worst = Math.max(worst, Math.abs((sin_cache!.data as Float32Array)[at]! - Math.sin(position * frequency)));
    }
  }
  await release();
  expect(worst).toBeLessThan(3e-7);
});

test('computed angles and stored ones give the same logits', async () => {
  const tokens = Array.from({ length: 300 }, (_, index) => (index * 31) % 272);
  const logits: Float32Array[] = [];
  for (const rotaryCaches of ['stored', 'computed'] as const) {
    const decoder = await openPlainDecoder(buildDecoder({ rotaryCaches }), { headDim: 16 });
    logits.push(await decoder.run(tokens));
    await decoder.release();
  }
  expect(logits[0]!.length).toBe(300 * 272);
  for (const [at, value] of logits[0]!.entries()) expect(Math.abs(value - logits[1]![at]!)).toBeLessThan(1e-5);
});

test('angles and unpacked weights cost nothing when the model runs: they are constants by then', async () => {
  const built = buildDecoder({ ...LONG, dtype: 'int8', quantization: { unpack: 'load' } });
  const names = built.proto.graph!.node.map(({ name }) => name);
  expect(names.some((name) => name.includes('/rotary_caches/'))).toBe(true);
  expect(names.some((name) => name.includes('/unpack/'))).toBe(true);

  const profileFilePrefix = join(folder, 'profile');
  const decoder = await openPlainDecoder(built, { headDim: 16, session: { enableProfiling: true, profileFilePrefix } });
  await decoder.run([1, 2, 3]);
  decoder.session.endProfiling();
  await decoder.release();
  const { readdir } = await import('node:fs/promises');
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as { cat: string; name: string }[];
  const run = events.filter(({ cat }) => cat === 'Node').map(({ name }) => name);
  expect(run.some((name) => name.includes('GroupQueryAttention'))).toBe(true);
  expect(run.filter((name) => /rotary_caches|unpack/.test(name))).toEqual([]);
});
