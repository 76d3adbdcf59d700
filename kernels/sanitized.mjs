#!/usr/bin/env node
// `npm run test:sanitized`: builds addon and ops with AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of their
// own, and runs the tests of the native part on them, or those that the arguments name.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nodeHeaders, onnxRuntime } from './builder/npm-packages.mjs';
import { kernels, root, temporary } from './builder/paths.mjs';
import { capture, mustRun } from './builder/processes.mjs';

const build = join(temporary, 'sanitized');
/** What the addon and its tests look for together. */
const finished = join(build, 'finished');
const TESTS = ['test/kernels', 'test/runtime'];
/** What they check is the build. */
const NOT_THESE = ['build.test.ts', 'hardening.test.ts'];

const testsOfNatives = () =>
  TESTS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => file.endsWith('.test.ts') && !NOT_THESE.includes(file))
      .map((file) => join(folder, file)),
  );

async function compile() {
  const defines = {
    MINFERENCE_SANITIZE: 'ON',
    MINFERENCE_ORT_HEADERS: onnxRuntime().headers,
    MINFERENCE_NODE_HEADERS: nodeHeaders().join(';'),
  };
  const options = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  await mustRun('cmake', ['-S', kernels, '-B', build, ...options]);
  await mustRun('cmake', ['--build', build, '--parallel', String(availableParallelism())]);
  mkdirSync(finished, { recursive: true });
  for (const file of ['minference.node', 'libminference_ops.so']) copyFileSync(join(build, file), join(finished, file));
  copyFileSync(join(build, 'facts.json'), join(finished, 'build.json'));
  copyFileSync(onnxRuntime().library, join(finished, 'libonnxruntime.so.1'));
}

/** Node is not built with the sanitizer, whose library must come first all the same. */
async function sanitizerLibrary() {
  const path = (await capture(process.env.CXX || 'c++', ['-print-file-name=libasan.so']))?.trim();
  if (path === undefined || path === 'libasan.so')
    throw new Error('expected a compiler that brings libasan, found none');
  return path;
}

await compile();
const env = {
  ...process.env,
  LD_PRELOAD: await sanitizerLibrary(),
  MINFERENCE_KERNELS_PATH: finished,
  // V8 and ONNX Runtime keep what they have until the process ends; more memory than there is must be refused, not fatal.
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
};
const tests = process.argv.length > 2 ? process.argv.slice(2) : testsOfNatives();
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'cpu', ...tests], {
  cwd: root,
  stdio: 'inherit',
  env,
});
process.exitCode = status ?? 1;
