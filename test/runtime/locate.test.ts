import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/utils/package-root.js';
import { packageVersion } from '../../src/utils/package-version.js';
import { ensureBuilt } from '../cli/helpers/build.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

beforeAll(ensureBuilt);

/** node_modules of a user who has installed the package: the compiled code and no kernels. */
let modules = '';
beforeEach(() => {
  modules = join(temporaryFolder(), 'node_modules');
  const dist = join('dist', 'src');
  cpSync(join(packageRoot(), dist), join(modules, 'minference', dist), { recursive: true });
  writeJson(join(modules, 'minference', 'package.json'), {
    name: 'minference',
    version: packageVersion(),
    type: 'module',
  });
});

/** As npm lays it out beside the package. */
beforeEach(() => {
  mkdirSync(join(modules, 'onnxruntime-node'));
  writeJson(join(modules, 'onnxruntime-node', 'package.json'), { name: 'onnxruntime-node', version: '1.29.0' });
});

const writeJson = (path: string, value: unknown) => writeFileSync(path, JSON.stringify(value));

function installPlatform(name: string, version = packageVersion()): string {
  const folder = join(modules, '@minference', name);
  mkdirSync(folder, { recursive: true });
  writeJson(join(folder, 'package.json'), { name: `@minference/${name}`, version });
  return folder;
}

/** What the installed code says, in a process of its own. */
function ask(module: string, expression: string): unknown {
  const url = new URL(`file://${join(modules, 'minference', 'dist', 'src', 'runtime', module)}`);
  const script = `import * as m from '${url}'; console.log(JSON.stringify(${expression}))`;
  const env = { PATH: process.env.PATH };
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env }));
}

const locate = () => ask('locate.js', 'm.locateNativeFiles()');
const runtime = () => join(modules, 'onnxruntime-node', 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime.so.1');
const filesIn = (folder: string, onnxRuntime = runtime()) => ({
  addon: join(folder, 'minference.node'),
  ops: join(folder, 'libminference_ops.so'),
  buildInfo: join(folder, 'build.json'),
  onnxRuntime,
});

test('the native part lies in the package of the platform, the one with CUDA first', () => {
  const cpu = installPlatform('linux-x64');
  expect(locate()).toMatchObject(filesIn(cpu));
  const cuda = installPlatform('linux-x64-cuda');
  // The CUDA provider is looked for beside the library.
  const copy = join(cuda, 'libonnxruntime.so.1');
  writeFileSync(copy, '');
  expect(locate()).toMatchObject(filesIn(cuda, copy));
});

test('a package of another version is passed over', () => {
  const cpu = installPlatform('linux-x64');
  installPlatform('linux-x64-cuda', '0.0.1');
  expect(locate()).toMatchObject(filesIn(cpu));
});

test('without a package the message says which one to install', () => {
  const error = ask(
    'native.js',
    '(() => { try { m.loadNative() } catch ({ code, message, hint }) { return { code, message, hint } } })()',
  );
  expect(error).toEqual({
    code: 'NATIVE_NOT_BUILT',
    message: `expected the native part at ${join(modules, '@minference', 'linux-x64', 'minference.node')}, found nothing`,
    hint: `run: npm install @minference/linux-x64@${packageVersion()}`,
  });
});

test('what a GPU needs is one command', () => {
  installPlatform('linux-x64');
  const checks = ask('gpu.js', 'm.gpuFacts().checks') as { what: string; fix: string }[];
  const fixes = checks.filter(({ what }) => what !== 'driver').map(({ fix }) => fix);
  expect(fixes.length).toBeGreaterThan(1);
  expect(fixes[0]).toContain(`npm install @minference/linux-x64-cuda@${packageVersion()}`);
});

test('a clone uses its own build, also below a folder where the package is installed', () => {
  installPlatform('linux-x64');
  const kernels = join(modules, 'minference', 'kernels');
  mkdirSync(kernels);
  writeFileSync(join(kernels, 'CMakeLists.txt'), '');
  expect(locate()).toMatchObject(filesIn(join(kernels, 'build')));
});
