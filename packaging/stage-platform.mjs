// The packages with the native part, one per platform: addon and op library; for CUDA also
// ONNX Runtime's CUDA provider and the copy of its library that must lie beside it.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxRuntime } from '../kernels/builder/npm-packages.mjs';
import { capture, manifest, readJson, root, run, writeJson } from './tools.mjs';

export const PLATFORMS = [
  { suffix: 'linux-x64', cuda: false },
  { suffix: 'linux-x64-cuda', cuda: true },
];

/** What a release may ask for: Debian 12 and Ubuntu 22.04 have it. */
const COMMON_GLIBC = [2, 35];
const CPU_FILES = ['minference.node', 'libminference_ops.so', 'build.json'];
const CUDA_FILES = ['libonnxruntime.so.1', 'libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** Builds into the folder, adds what a package needs, and returns the folder. */
export function stagePlatform({ suffix, cuda }, folder) {
  mkdirSync(join(folder, '..'), { recursive: true });
  // Kept between runs, so that only what changed is built again.
  const built = join(root, 'kernels', '.tmp', 'pack', suffix);
  mkdirSync(join(built, '..'), { recursive: true });
  run(process.execPath, [join(root, 'kernels', 'build.mjs'), '--out', built], {
    env: { ...process.env, MINFERENCE_CUDA: cuda ? 'on' : 'off' },
  });
  const files = [...CPU_FILES, ...(cuda ? CUDA_FILES : [])];
  const missing = files.filter((file) => !readdirSync(built).includes(file));
  if (missing.length > 0) throw new Error(`expected ${missing.join(', ')} in ${built}; is there a network?`);
  for (const file of files) cpSync(join(built, file), join(folder, file));
  writeFileSync(join(folder, 'LICENSE'), readFileSync(join(root, 'LICENSE')));
  if (cuda) writeFileSync(join(folder, 'ThirdPartyNotices.txt'), readFileSync(onnxRuntime().notices));
  writeFileSync(
    join(folder, 'README.md'),
    describe(suffix, cuda, neededGlibc(folder), readJson(join(folder, 'build.json'))),
  );
  writeJson(join(folder, 'package.json'), {
    name: `@minference/${suffix}`,
    version: manifest.version,
    description: `The native part of minference for Linux on x86-64${cuda ? ', with CUDA' : ''}`,
    license: manifest.license,
    engines: manifest.engines,
    os: manifest.os,
    cpu: manifest.cpu,
    libc: ['glibc'],
    type: 'commonjs',
    exports: { './package.json': './package.json' },
  });
  return folder;
}

function describe(suffix, cuda, glibc, { compiler, ortApiVersion }) {
  return `# @minference/${suffix}

The native part of [minference](https://www.npmjs.com/package/minference) for Linux on x86-64: \`minference.node\` and
\`libminference_ops.so\` (${compiler})${cuda ? `, and ONNX Runtime 1.${ortApiVersion} with its CUDA provider (MIT, see ThirdPartyNotices.txt)` : ''}.
Needs glibc ${glibc.join('.')} or newer${cuda ? '; on a GPU the driver for CUDA 13, cuBLAS, cuRAND and cuDNN 9' : ''}. Installed by minference, not by itself.
`;
}

/** The glibc that the libraries ask for, [major, minor]. A build on a newer system may ask for symbols that older ones lack. */
function neededGlibc(folder) {
  const versions = readdirSync(folder)
    .filter((name) => /\.(node|so)/.test(name))
    .flatMap((name) => {
      const symbols = capture('objdump', ['-T', join(folder, name)], { maxBuffer: 1 << 30 });
      if (symbols === null) throw new Error(`expected objdump (binutils) to read ${name}`);
      return [...symbols.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
    });
  const newest = versions.reduce((a, b) => (isNewer(a, b) ? a : b));
  if (isNewer(newest, COMMON_GLIBC)) {
    console.error(`pack:all: the libraries need glibc ${newest.join('.')}: build on an older system for a release`);
  }
  return newest;
}

const isNewer = (a, b) => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
