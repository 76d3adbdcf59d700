import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cudaCostsPath, readCudaCosts } from '../../src/runtime/cuda-costs.js';

// As kernels/cuda/calibrate/cost_file.cc writes it.
const file = `{
  "schema": "minference.cuda-costs/1",
  "device": "NVIDIA H200",
  "sparse_tile": 1.89389265,
  "index_flop": 4.58063624,
  "pooled_flop": 31.1480276,
  "select_per_key": 24430.06,
  "select_per_score": 4153.07034,
  "per_head": 315119.46,
  "least_context": 1024
}
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minference-costs-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function store(text: string) {
  const path = cudaCostsPath('NVIDIA H200');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

test('reads what the op has measured', async () => {
  await store(file);
  expect(await readCudaCosts('NVIDIA H200')).toMatchObject({ sparse_tile: 1.89389265, least_context: 1024 });
});

test('a device that nothing was measured on has none', async () => {
  expect(await readCudaCosts('NVIDIA H200')).toBeNull();
});

test.each([
  ['another version', file.replace('costs/1', 'costs/2')],
  ['half a file', file.slice(0, 100)],
  ['a missing field', file.replace(/ *"per_head".*\n/, '')],
  ['a negative number', file.replace('1.89389265', '-1')],
])('%s counts as nothing', async (_, text) => {
  await store(text);
  expect(await readCudaCosts('NVIDIA H200')).toBeNull();
});

test('a device name becomes a file name', () => {
  expect(cudaCostsPath('Tesla V100-SXM2 (16 GB)/x')).toBe(
    join(folder, 'minference', 'cuda-costs-Tesla-V100-SXM2--16-GB--x.json'),
  );
});
