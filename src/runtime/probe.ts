import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinferenceError } from '../errors.js';
import { readEnv, userCacheFolder } from '../utils/env.js';
import { gpuFacts } from './gpu.js';
import { cudaProvider, type NativeFiles } from './locate.js';
import type { Device } from './types.js';

const PROBE_TIMEOUT_MS = 60_000;

/** ModelProto, base64: one SparseAttention node, qkv float32 [1, 1, 192] → y float32 [1, 1, 64], one head of 64. */
export const PROBE_MODEL =
  'CAo6lwIKiQEKA3FrdgoACgAKAAoACgRsYXN0CgV0b3RhbAoACgAKAAoACgAKCHBhdHRlcm5zEgF5Gg9TcGFyc2VBdHRlbnRpb24iD1NwYXJz' +
  'ZUF0dGVudGlvbioQCgludW1faGVhZHMYAaABAioTCgxrdl9udW1faGVhZHMYAaABAjoNYWkubWluZmVyZW5jZRIPU3BhcnNlQXR0ZW50aW9u' +
  'WhoKA3FrdhITChEIARINCgIIAQoCCAEKAwjAAVoSCgRsYXN0EgoKCAgGEgQKAggBWhMKBXRvdGFsEgoKCAgGEgQKAggBWhoKCHBhdHRlcm5z' +
  'Eg4KDAgGEggKAggBCgIIBGIXCgF5EhIKEAgBEgwKAggBCgIIAQoCCEBCBAoAEBVCEQoNYWkubWluZmVyZW5jZRAB';

/**
 * What the child does: open the addon and ONNX Runtime, register the ops, run the model above on a device. A single key's
 * attention output is its value. CommonJS, for `node -e`.
 */
const PROBE_SCRIPT = `
const [addon, ops, onnxRuntime, model, device] = process.argv.slice(1);
async function probe() {
  const native = require(addon);
  native.loadRuntime(onnxRuntime);
  const bytes = new Uint8Array(Buffer.from(model, 'base64'));
  const options = { model: bytes, opsLibrary: ops, device, deviceId: 0, threads: 1, optimization: 0 };
  const session = await native.createSession(options).promise;
  const feed = (name, type, shape, values) => {
    const tensor = new native.Tensor(type, shape, 'host', 0);
    tensor.write(values, 0);
    return [name, tensor];
  };
  const feeds = [
    feed('qkv', 1, [1, 1, 192], Float32Array.from({ length: 192 }, (_, index) => index)),
    feed('last', 6, [1], Int32Array.of(0)),
    feed('total', 6, [1], Int32Array.of(1)),
    feed('patterns', 6, [1, 4], Int32Array.of(0, 0, 0, 0)),
  ];
  const [y] = await session.run(feeds, [['y', 'host']]).promise;
  const found = new Float32Array(y.read());
  const wrong = found.findIndex((value, index) => value !== 128 + index);
  if (wrong >= 0) throw new Error('expected the value of a one-node model, found ' + found[wrong] + ' at ' + wrong);
}
probe().catch((error) => { console.error(error.message); process.exit(1); });
`;

/**
 * Tries the native libraries on a device in a child process, once per state of the files: a library that crashes takes
 * only the child with it. The outcome is remembered beside the build, or in the user's cache folder where that is read-only.
 *
 * @throws {MinferenceError} NATIVE_LOAD_FAILED with the loader's text, or the signal that ended the child.
 */
export function probeNative(files: NativeFiles, device: Device): void {
  const state = stateOf(files, device);
  const name = device === 'cpu' ? 'probe.json' : 'probe-cuda.json';
  const places = [dirname(files.buildInfo), userCacheFolder()].map((folder) => join(folder, name));
  if (places.some((path) => readRemembered(path) === state)) return;
  const argv = ['-e', PROBE_SCRIPT, files.addon, files.ops, files.onnxRuntime, PROBE_MODEL, device];
  const child = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
  if (child.status !== 0) throw loadFailure(files, device, child);
  // Where neither can be written, the next process tries again, which costs time, not correctness.
  places.some((path) => remember(path, state));
}

function remember(path: string, state: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ state }));
    return true;
  } catch {
    return false;
  }
}

/** Changes whenever one of the files, Node, the GPU's driver or a variable that the libraries read does. */
function stateOf(files: NativeFiles, device: Device): string {
  const paths = [files.addon, files.ops, files.onnxRuntime];
  const facts = (device === 'cpu' ? paths : [...paths, cudaProvider(files)]).map((path) => {
    const { size, mtimeMs } = statSync(path);
    return [path, size, mtimeMs];
  });
  const more = device === 'cpu' ? [] : [gpuFacts().driverVersion, readEnv('CUDA_VISIBLE_DEVICES') ?? ''];
  return JSON.stringify([process.version, readEnv('MINFERENCE_SIMD') ?? '', ...more, ...facts]);
}

function readRemembered(path: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { state?: string }).state;
  } catch {
    return undefined;
  }
}

function loadFailure(files: NativeFiles, device: Device, child: ReturnType<typeof spawnSync>): MinferenceError {
  const lines = String(child.stderr ?? '')
    .trim()
    .split('\n');
  // The child's own message comes last; a loader or a library may have written before it.
  const reason = lines.findLast((line) => line.trim() !== '') ?? '';
  const ending = child.signal ? `the process that tried it ended with ${child.signal}` : child.error?.message;
  const text = [reason, ending].filter(Boolean).join('; ') || `exit code ${child.status}`;
  return new MinferenceError(
    'NATIVE_LOAD_FAILED',
    `the native part does not ${device === 'cpu' ? 'load' : 'run on CUDA'}: ${text}`,
    {
      hint:
        `Get it anew with: ${files.fix[device]}. If that does not help, check the files that were loaded: ` +
        `${files.addon}, ${files.ops}, ${files.onnxRuntime}`,
    },
  );
}
