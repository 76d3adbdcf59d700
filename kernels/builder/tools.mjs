// What a build needs on this machine, and what it can build here.
import { existsSync } from 'node:fs';
import { BuildError, capture } from './processes.mjs';

const MIN_NODE = [20, 19];
const MIN_CMAKE = [3, 25];
const MIN_GCC = [11, 0]; // C++20 with <bit>, and AVX-512 intrinsics
const MIN_CLANG = [14, 0];
const MIN_NVCC = [12, 8]; // C++20 and sm_90a
const GPU_FILES = ['/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'];

/**
 * nvcc's version when the CUDA ops are to be built, else undefined: with MINFERENCE_CUDA=on, or without the variable
 * where there is a GPU. They take minutes, and nobody without a GPU can run them.
 *
 * @throws BuildError when they are asked for and there is no nvcc
 */
export async function findNvcc() {
  const wish = process.env.MINFERENCE_CUDA || 'auto';
  if (!['on', 'off', 'auto'].includes(wish)) {
    throw new BuildError(`expected MINFERENCE_CUDA to be on, off or auto, found "${wish}"`);
  }
  if (wish === 'off' || (wish === 'auto' && !GPU_FILES.some(existsSync))) return undefined;
  const output = await capture(process.env.CUDACXX || 'nvcc', ['--version']);
  const version = parseVersion(output?.match(/release [\d.]+/)?.[0]);
  if (version && !isOlder(version.numbers, MIN_NVCC)) return version.text;
  const found = `CUDA ops need nvcc ≥ ${MIN_NVCC.join('.')}, found ${version ? `nvcc ${version.text}` : 'none'}`;
  if (wish === 'on') throw new BuildError(`${found}\nInstall the CUDA toolkit, or leave out MINFERENCE_CUDA=on`);
  console.error(`native part: there is a GPU, but ${found}: built for the CPU only`);
  return undefined;
}

/**
 * CMake's version and its options for the generator.
 *
 * @throws BuildError that lists everything that is missing
 */
export async function findTools() {
  const missing = [];
  const node = parseVersion(process.versions.node);
  if (isOlder(node.numbers, MIN_NODE)) missing.push(`Node.js ≥ ${MIN_NODE.join('.')}: found ${node.text}`);
  const cmake = parseVersion(await capture('cmake', ['--version']));
  if (!cmake) missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: not found`);
  else if (isOlder(cmake.numbers, MIN_CMAKE)) missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: found ${cmake.text}`);
  const compiler = await checkCompiler(process.env.CXX || 'c++', missing);
  const ninja = (await capture('ninja', ['--version'])) !== null;
  if (!ninja && (await capture('make', ['--version'])) === null) missing.push('make or ninja: not found');
  if (missing.length > 0) {
    throw new BuildError(
      `the native part cannot be built; missing:\n${missing.map((line) => `  - ${line}`).join('\n')}\n` +
        'Debian, Ubuntu:  apt-get install cmake g++ make\n' +
        'Fedora, RHEL:    dnf install cmake gcc-c++ make\n' +
        `A newer CMake than the distribution's: https://cmake.org/download. Then run: npm run build:kernels`,
    );
  }
  return { cmake: cmake.text, compiler, generator: ninja ? 'Ninja' : 'Unix Makefiles' };
}

/** The compiler's own description of itself. */
async function checkCompiler(program, missing) {
  const output = await capture(program, ['--version']);
  const wanted = `a C++20 compiler (GCC ≥ ${MIN_GCC[0]} or Clang ≥ ${MIN_CLANG[0]})`;
  if (output === null) {
    missing.push(`${wanted}: "${program}" not found`);
    return undefined;
  }
  const line = output.split('\n')[0];
  const isClang = /clang/i.test(output);
  // The parenthesis before GCC's version holds the packager's own.
  const version = parseVersion(line.replace(/\(.*?\)/, ''));
  if (version && isOlder(version.numbers, isClang ? MIN_CLANG : MIN_GCC)) {
    missing.push(`${wanted}: found ${isClang ? 'Clang' : 'GCC'} ${version.text}`);
  }
  return `${program}: ${line}`;
}

function parseVersion(text) {
  const found = text?.match(/(\d+)\.(\d+)(\.\d+)?/);
  return found ? { text: found[0], numbers: [Number(found[1]), Number(found[2])] } : undefined;
}

const isOlder = ([major, minor], [minMajor, minMinor]) => major < minMajor || (major === minMajor && minor < minMinor);
