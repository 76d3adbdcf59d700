#!/usr/bin/env node
// `npm run test:emulated`: builds the CUDA kernels for the CPU and holds them against the reference. The first argument
// chooses checks by a part of their name; --find-headers only says whether there is what it takes. EMULATE_SM=80 takes the
// kernels for Ampere, EMULATE_ASYNC and EMULATE_ORDER are described in README.md.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, '../../.tmp/emulated');

/** The folder of the CUDA toolkit's headers: beside the nvcc that is found, or where toolkits are usually installed. */
function findCudaHeaders() {
  const compilers = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nvcc'));
  const toolkits = [process.env.CUDA_HOME, ...compilers.filter(existsSync).map(home), '/usr/local/cuda'];
  return toolkits
    .filter(Boolean)
    .map((toolkit) => join(toolkit, 'include'))
    .find((folder) => existsSync(join(folder, 'cuda_fp16.h')));
}

function home(nvcc) {
  return dirname(dirname(realpathSync(nvcc)));
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const headers = findCudaHeaders();
if (headers === undefined) {
  console.error(
    'expected cuda_fp16.h of a CUDA toolkit ≥ 12 (CUDA_HOME, nvcc on the PATH, /usr/local/cuda), found none',
  );
  console.error('hint: .ci/debian-cuda-headers <folder>, then CUDA_HOME=<folder>');
  process.exit(1);
}
if (process.argv.includes('--find-headers')) process.exit(0);
run('cmake', ['-S', here, '-B', build, `-DMINFERENCE_CUDA_HEADERS=${headers}`, '--log-level=WARNING']);
run('cmake', ['--build', build, '--parallel', String(availableParallelism())]);
const parts = process.argv.slice(2);
run(join(build, 'minference_check'), ['--small', ...parts]);
if (parts.length === 0) run(join(build, 'plan_test'), []);
