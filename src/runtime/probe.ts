import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinferenceError } from '../errors.js';
import { readEnv } from './env.js';
import type { NativeFiles } from './locate.js';

const PROBE_TIMEOUT_MS = 60_000;

/** ModelProto, base64: one SparseAttention node, qkv float32 [1, 1, 12] → y float32 [1, 1, 4], one head of 4. */
export const PROBE_MODEL =
  'CAo6/QEKeAoDcWt2CgAKAAoACgAKBGxhc3QKBXRvdGFsCgAKAAoACgAKAAoIcGF0dGVybnMSAXkiD1NwYXJzZUF0dGVudGlvbioQ' +
  'CgludW1faGVhZHMYAaABAioTCgxrdl9udW1faGVhZHMYAaABAjoNYWkubWluZmVyZW5jZRIEdGVzdCoQCAEQBkIEbGFzdEoEAAAA' +
  'ACoRCAEQBkIFdG90YWxKBAEAAAAqIggBCAQQBkIIcGF0dGVybnNKEAIAAAABAAAAAQAAAAEAAABaGQoDcWt2EhIKEAgBEgwKAggB' +
  'CgIIAQoCCAxiFwoBeRISChAIARIMCgIIAQoCCAEKAggEQgQKABAWQhEKDWFpLm1pbmZlcmVuY2UQAUIRCg1jb20ubWljcm9zb2Z0' +
  'EAE=';

/**
 * What the child does: open the addon and ONNX Runtime, register the ops, run the model above. A single key's attention
 * output is its value. CommonJS, for `node -e`.
 */
const PROBE_SCRIPT = `
const [addon, ops, onnxRuntime, model] = process.argv.slice(1);
async function probe() {
  const native = require(addon);
  native.loadRuntime(onnxRuntime);
  const options = { model: new Uint8Array(Buffer.from(model, 'base64')), opsLibrary: ops, device: 'cpu', threads: 1, optimization: 0 };
  const session = await native.createSession(options).promise;
  const qkv = new native.Tensor(1, [1, 1, 12], 'host');
  qkv.write(Float32Array.from({ length: 12 }, (_, index) => index), 0);
  const [y] = await session.run([['qkv', qkv]], [['y', 'host']]).promise;
  const found = new Float32Array(y.read()).join();
  if (found !== '8,9,10,11') throw new Error('expected 8,9,10,11 from a one-node model, found ' + found);
}
probe().catch((error) => { console.error(error.message); process.exit(1); });
`;

/**
 * Tries the native libraries in a child process, once per state of the files: a library that crashes takes only the
 * child with it. The outcome is remembered beside the build.
 *
 * @throws {MinferenceError} NATIVE_LOAD_FAILED with the loader's text, or the signal that ended the child.
 */
export function probeNative(files: NativeFiles): void {
  const state = stateOf(files);
  const remembered = join(dirname(files.buildInfo), 'probe.json');
  if (readRemembered(remembered) === state) return;
  const argv = ['-e', PROBE_SCRIPT, files.addon, files.ops, files.onnxRuntime, PROBE_MODEL];
  const child = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
  if (child.status !== 0) throw loadFailure(files, child);
  try {
    writeFileSync(remembered, JSON.stringify({ state }));
  } catch {
    // A read-only installation: the next process tries again, which costs time, not correctness.
  }
}

/** Changes whenever one of the files, Node or a variable that the libraries read does. */
function stateOf(files: NativeFiles): string {
  const facts = [files.addon, files.ops, files.onnxRuntime].map((path) => {
    const { size, mtimeMs } = statSync(path);
    return [path, size, mtimeMs];
  });
  return JSON.stringify([process.version, readEnv('MINFERENCE_SIMD') ?? '', ...facts]);
}

function readRemembered(path: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { state?: string }).state;
  } catch {
    return undefined;
  }
}

function loadFailure(files: NativeFiles, child: ReturnType<typeof spawnSync>): MinferenceError {
  const lines = String(child.stderr ?? '')
    .trim()
    .split('\n');
  // The child's own message comes last; a loader or a library may have written before it.
  const reason = lines.findLast((line) => line.trim() !== '') ?? '';
  const ending = child.signal ? `the process that tried it ended with ${child.signal}` : child.error?.message;
  const text = [reason, ending].filter(Boolean).join('; ') || `exit code ${child.status}`;
  return new MinferenceError('NATIVE_LOAD_FAILED', `the native part does not load: ${text}`, {
    hint:
      `Get it anew with: ${files.fix.cpu}. If that does not help, check the files that were loaded: ` +
      `${files.addon}, ${files.ops}, ${files.onnxRuntime}`,
  });
}
