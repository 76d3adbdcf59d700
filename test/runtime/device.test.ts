import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cudaProblem, resolveDevice } from '../../src/runtime/device.js';
import { gpuFacts } from '../../src/runtime/gpu.js';
import { locateNativeFiles } from '../../src/runtime/locate.js';
import { oneNodeModel } from '../../src/runtime/one-node-model.js';
import { PROBE_MODEL, probeNative } from '../../src/runtime/probe.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

describe('the choice of a device', () => {
  const problem = cudaProblem();

  test('says why auto takes the CPU, and has no reason where that was asked for', async (context) => {
    if (problem === null) context.skip('there is a GPU');
    const reason = problem!.message;
    expect(await resolveDevice({})).toMatchObject({ kind: 'cpu', id: null, reason, name: expect.any(String) });
    expect(reason).not.toBe('');
    expect(await resolveDevice({ device: 'cpu' })).toMatchObject({ kind: 'cpu', reason: null });
  });

  test('does not fall back where a GPU was named', async (context) => {
    if (problem === null) context.skip('there is a GPU');
    for (const request of [{ device: 'cuda' }, { deviceId: 0 }, { device: 'cuda', deviceId: 3 }] as const) {
      await expect(resolveDevice(request)).rejects.toMatchObject({
        code: 'DEVICE_UNAVAILABLE',
        message: expect.stringContaining(problem!.message),
        hint: expect.stringContaining('--device cpu'),
      });
    }
  });

  test.each([
    [{ device: 'cpu', deviceId: 0 }, /with CUDA only, found 0 for the CPU/],
    [{ deviceId: -1 }, /the number of a CUDA device, found -1/],
    [{ deviceId: 0.5 }, /the number of a CUDA device, found 0.5/],
    [{ device: 'gpu' as 'cuda' }, /one of auto, cpu, cuda, found "gpu"/],
  ] as const)('%o is wrong usage', async (request, message) => {
    await expect(resolveDevice(request)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message),
    });
  });
});

test('libraries that ONNX Runtime’s CUDA provider would miss are named', async () => {
  // A provider linked against a cuDNN that is gone, and one that is beside it.
  const folder = temporaryFolder();
  const shared = ['-shared', '-nostdlib', '-x', 'c', '/dev/null', '-Wl,--no-as-needed'];
  const build = (name: string, ...more: string[]) =>
    execa('c++', [...shared, '-o', join(folder, name), `-Wl,-soname,${name}`, ...more]);
  await build('libcudnn.so.9');
  await build('libcublas.so.13');
  const needed = ['-x', 'none', join(folder, 'libcudnn.so.9'), join(folder, 'libcublas.so.13')];
  await build('libonnxruntime_providers_cuda.so', ...needed, '-Wl,-rpath,$ORIGIN');
  symlinkSync(locateNativeFiles().onnxRuntime, join(folder, 'libonnxruntime.so.1'));
  rmSync(join(folder, 'libcudnn.so.9'));

  vi.stubEnv('MINFERENCE_ORT_LIBRARY', join(folder, 'libonnxruntime.so.1'));
  const libraries = gpuFacts().checks.find(({ what }) => what === 'CUDA libraries');
  expect(libraries).toEqual({
    what: 'CUDA libraries',
    ok: false,
    found: 'no libcudnn.so.9, which ONNX Runtime’s CUDA provider needs',
    fix: 'install cuDNN 9 for CUDA 13 where the loader looks (ldconfig, LD_LIBRARY_PATH)',
  });
  expect(gpuFacts().usable).toBe(false);
});

test('without a provider no libraries are missed', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'ort'));
  writeFileSync(join(folder, 'ort', 'libonnxruntime.so.1'), '');
  vi.stubEnv('MINFERENCE_ORT_LIBRARY', join(folder, 'ort', 'libonnxruntime.so.1'));
  expect(gpuFacts().checks.map(({ what }) => what)).toEqual(['driver', 'CUDA execution provider', 'CUDA ops']);
});

test('the model that tries the libraries is one node, for the CPU and for CUDA', () => {
  const built = oneNodeModel({
    opType: 'SparseAttention',
    domain: 'ai.minference',
    inputs: ['qkv', '', '', '', '', 'last', 'total', '', '', '', '', '', 'patterns'],
    outputs: ['y'],
    attributes: { num_heads: 1, kv_num_heads: 1 },
    ports: {
      inputs: [
        ['qkv', 1, [1, 1, 192]],
        ['last', 6, [1]],
        ['total', 6, [1]],
        ['patterns', 6, [1, 4]],
      ],
      outputs: [['y', 1, [1, 1, 64]]],
    },
  });
  expect(Buffer.from(built).toString('base64')).toBe(PROBE_MODEL);
});

test('a read-only installation is tried once for each user', () => {
  const folder = temporaryFolder();
  const cache = temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', cache);
  // Nothing can be written in its place.
  mkdirSync(join(folder, 'probe.json'));
  const files = { ...locateNativeFiles(), buildInfo: join(folder, 'build.json') };
  probeNative(files, 'cpu');
  expect(existsSync(join(cache, 'minference', 'probe.json'))).toBe(true);
  const broken = { ...files, addon: join(folder, 'minference.node') };
  writeFileSync(broken.addon, 'no library');
  expect(() => probeNative(broken, 'cpu')).toThrow(/the native part does not load: .*minference\.node/);
});
