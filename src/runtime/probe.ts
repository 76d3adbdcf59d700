import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinferenceError } from '../errors.js';
import { readEnv } from './env.js';
import type { NativeFiles } from './locate.js';

const PROBE_TIMEOUT_MS = 60_000;

/** ModelProto of one Identity node, x → y, float32 [1], opset 17. */
const IDENTITY_MODEL =
  '08083a420a170a01781201791a0570726f626522084964656e74697479120570726f62655a0f0a0178120a0a08080112040a02080162' +
  '0f0a0179120a0a08080112040a02080142021011';

/** What the child does: open the addon and ONNX Runtime, register the ops, run the model above. CommonJS, for `-e`. */
const PROBE_SCRIPT = `
const [addon, ops, onnxRuntime, model] = process.argv.slice(1);
const native = require(addon);
native.loadRuntime(onnxRuntime);
const options = { model: Uint8Array.from(Buffer.from(model, 'hex')), opsLibrary: ops, threads: 1, optimization: 0 };
native.createSession(options).then(async (session) => {
  const x = new native.Tensor(1, [1]);
  new Float32Array(x.view())[0] = 42;
  const [y] = await session.run([['x', x]], [['y', null]]).promise;
  if (new Float32Array(y.view())[0] !== 42) throw new Error('a one-node model gave a wrong result');
}).catch((error) => { console.error(error.message); process.exit(1); });
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
  const argv = ['-e', PROBE_SCRIPT, files.addon, files.ops, files.onnxRuntime, IDENTITY_MODEL];
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
  const text = String(child.stderr ?? '').trim();
  const lines = text.split('\n').filter((line) => /error|cannot|expected|undefined|version|not /i.test(line));
  const ending = child.signal ? `the loading process ended with ${child.signal}` : `exit code ${child.status}`;
  const reason = lines.at(0) ?? (text.split('\n').at(-1) || (child.error?.message ?? ending));
  return new MinferenceError('NATIVE_LOAD_FAILED', `the native part does not load: ${reason} (${ending})`, {
    hint: `rebuild it with: npm run build:kernels. Files: ${files.addon}, ${files.ops}, ${files.onnxRuntime}`,
  });
}
