// Builds the native part into kernels/build: `node kernels/build.mjs [--force] [--tools]`. npm runs it on install, before
// anything else is built, so it uses nothing but Node. The build happens in a temporary folder and is swapped in at the
// end: an interrupted or failed build leaves the old one, or none.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_NODE = [20, 19];
const MIN_CMAKE = [3, 25];
const MIN_GCC = [11, 0]; // C++20 with <bit>, and AVX-512 intrinsics
const MIN_CLANG = [14, 0];
const MIN_NVCC = [12, 8]; // C++20 and sm_90a
const BYTES_PER_JOB = 1.5e9;
const BUILD_TYPE = 'Release';
const ARTEFACTS = ['minference.node', 'libminference_ops.so'];
const GPU_PROGRAMS = ['minference_check', 'minference_bench']; // with --tools, where there is nvcc
const HEADER_PACKAGES = ['com.github.asus4.onnxruntime', 'node-addon-api', 'node-api-headers'];

const kernels = dirname(fileURLToPath(import.meta.url));
const root = dirname(kernels);
const target = join(kernels, 'build');
const temporary = join(kernels, '.tmp');

class BuildError extends Error {}

const interruption = new AbortController();

/** Runs a program to its end: { status, output }; status is null when there is no such program. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = () => child.kill('SIGTERM');
    interruption.signal.addEventListener('abort', stop);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', () => resolve({ status: null, output: '' }));
    child.on('close', (status) => {
      interruption.signal.removeEventListener('abort', stop);
      if (interruption.signal.aborted) reject(new BuildError('interrupted'));
      else resolve({ status, output });
    });
  });
}

/** The output of a program, or null when it is missing or fails. */
async function capture(command, args) {
  const { status, output } = await run(command, args);
  return status === 0 ? output : null;
}

async function mustRun(command, args) {
  const { status, output } = await run(command, args);
  if (status === 0) return;
  const hint = /nvcc|\.cu\b/.test(output) ? '\nTo build without CUDA ops: MINFERENCE_CUDA=off' : '';
  throw new BuildError(`${command} ${args.slice(0, 2).join(' ')} … failed:\n${output}${hint}`);
}

function parseVersion(text) {
  const found = text?.match(/(\d+)\.(\d+)(\.\d+)?/);
  return found ? { text: found[0], numbers: [Number(found[1]), Number(found[2])] } : undefined;
}

const isOlder = ([major, minor], [minMajor, minMinor]) => major < minMajor || (major === minMajor && minor < minMinor);

async function checkCompiler(program) {
  const output = await capture(program, ['--version']);
  const wanted = `a C++20 compiler (GCC ≥ ${MIN_GCC[0]} or Clang ≥ ${MIN_CLANG[0]})`;
  if (output === null) return `${wanted}: "${program}" not found`;
  const isClang = /clang/i.test(output);
  // The parenthesis before GCC's version holds the packager's own.
  const version = parseVersion(output.split('\n')[0].replace(/\(.*?\)/, ''));
  if (!version || !isOlder(version.numbers, isClang ? MIN_CLANG : MIN_GCC)) return undefined;
  return `${wanted}: found ${isClang ? 'Clang' : 'GCC'} ${version.text}`;
}

/** nvcc's version where there is one that can build the CUDA ops; MINFERENCE_CUDA=off leaves them out, =on wants them. */
async function findNvcc(missing) {
  const wish = process.env.MINFERENCE_CUDA || 'auto';
  if (!['on', 'off', 'auto'].includes(wish)) missing.push(`MINFERENCE_CUDA on, off or auto: found ${wish}`);
  if (wish === 'off') return undefined;
  const output = await capture(process.env.CUDACXX || 'nvcc', ['--version']);
  const version = parseVersion(output?.match(/release [\d.]+/)?.[0]);
  if (version && !isOlder(version.numbers, MIN_NVCC)) return version.text;
  const found = version ? `nvcc ${version.text}` : 'no nvcc';
  if (wish === 'on') missing.push(`nvcc ≥ ${MIN_NVCC.join('.')}: found ${found}`);
  else if (version) console.error(`native part: CUDA ops need nvcc ≥ ${MIN_NVCC.join('.')}, found ${found}: left out`);
  return undefined;
}

/** Checks what a build needs; tells which generator to use, and whether CUDA ops can be built. */
async function findTools() {
  const missing = [];
  const node = parseVersion(process.versions.node);
  if (isOlder(node.numbers, MIN_NODE)) missing.push(`Node.js ≥ ${MIN_NODE.join('.')}: found ${node.text}`);
  const cmake = parseVersion(await capture('cmake', ['--version']));
  if (!cmake) missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: not found`);
  else if (isOlder(cmake.numbers, MIN_CMAKE)) missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: found ${cmake.text}`);
  const compiler = await checkCompiler(process.env.CXX || 'c++');
  if (compiler) missing.push(compiler);
  const cuda = await findNvcc(missing);
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
  return { cmake: cmake.text, cuda, generator: ninja ? ['-G', 'Ninja'] : [] };
}

function packageFolder(name) {
  const require = createRequire(join(root, 'package.json'));
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    throw new BuildError(`expected the npm package ${name} to be installed; run: npm ci`);
  }
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** ONNX Runtime's C++ headers: the repack for another engine is the one npm package that carries them. */
function ortHeaders() {
  const plugins = join(packageFolder('com.github.asus4.onnxruntime'), 'Plugins');
  const header = readdirSync(plugins, { recursive: true }).find((file) =>
    file.endsWith('/Headers/onnxruntime_cxx_api.h'),
  );
  if (header === undefined) throw new BuildError(`expected onnxruntime_cxx_api.h below ${plugins}; run: npm ci`);
  return dirname(join(plugins, header));
}

function ortApiVersion(headers) {
  const text = readFileSync(join(headers, 'onnxruntime_c_api.h'), 'utf8');
  return Number(text.match(/#define ORT_API_VERSION (\d+)/)[1]);
}

/** Changes with everything that the artefacts are made of, except the compiler: `--force` is for another one. */
function hashSources() {
  const wanted = /\.(cc|h|cu|cuh|map|cmake)$|^CMakeLists\.txt$|^build\.mjs$/;
  const packages = HEADER_PACKAGES.map((name) => [name, readJson(join(packageFolder(name), 'package.json')).version]);
  const cuda = process.env.MINFERENCE_CUDA || 'auto';
  const hash = createHash('sha256').update(JSON.stringify({ buildType: BUILD_TYPE, packages, cuda }));
  const files = readdirSync(kernels, { recursive: true })
    .filter((file) => wanted.test(file) && !/^(build|bench|\.tmp)\//.test(file))
    .map((file) => join(kernels, file))
    .filter((file) => statSync(file).isFile())
    .sort();
  for (const file of files) hash.update(relative(kernels, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function isUpToDate(sourceHash) {
  try {
    const info = readJson(join(target, 'build.json'));
    return info.sourceHash === sourceHash && ARTEFACTS.every((file) => existsSync(join(target, file)));
  } catch {
    return false;
  }
}

async function compile(work, tools, headers, programs) {
  const defines = {
    CMAKE_BUILD_TYPE: BUILD_TYPE,
    MINFERENCE_ORT_HEADERS: headers.ort,
    MINFERENCE_NODE_HEADERS: headers.node.join(';'),
    MINFERENCE_CUDA: tools.cuda ? 'ON' : 'OFF',
  };
  const options = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  await mustRun('cmake', ['-S', kernels, '-B', work, ...tools.generator, ...options]);
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / BYTES_PER_JOB)));
  await mustRun('cmake', ['--build', work, '--parallel', String(jobs), '--target', 'all', ...programs]);
}

async function describeBuild(work, { tools, headers, sourceHash }) {
  return {
    version: readJson(join(root, 'package.json')).version,
    commit: (await capture('git', ['-C', root, 'rev-parse', 'HEAD']))?.trim() ?? null,
    builtAt: new Date().toISOString(),
    ...readJson(join(work, 'facts.json')),
    cmake: tools.cmake,
    ortApiVersion: ortApiVersion(headers.ort),
    sourceHash,
  };
}

/** Puts the finished folder in the place of the old one. */
function swapIn(fresh, work) {
  for (let attempt = 0; ; attempt++) {
    if (existsSync(target)) renameSync(target, join(work, `old-${attempt}`));
    try {
      return renameSync(fresh, target);
    } catch (error) {
      // Another build has just finished; this one replaces it.
      if (attempt >= 3 || !['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    }
  }
}

function removeTemporary(work) {
  rmSync(work, { recursive: true, force: true });
  try {
    rmdirSync(temporary);
  } catch {
    // Another build is at work in it.
  }
}

async function build() {
  const sourceHash = hashSources();
  if (!process.argv.includes('--force') && isUpToDate(sourceHash)) return console.error('native part: up to date');

  const tools = await findTools();
  const headers = {
    ort: ortHeaders(),
    node: [packageFolder('node-addon-api'), join(packageFolder('node-api-headers'), 'include')],
  };
  console.error(`native part: building with CMake ${tools.cmake}${tools.cuda ? ` and nvcc ${tools.cuda}` : ''} …`);
  const started = Date.now();
  mkdirSync(temporary, { recursive: true });
  const work = mkdtempSync(join(temporary, 'build-'));
  try {
    const programs = tools.cuda && process.argv.includes('--tools') ? GPU_PROGRAMS : [];
    await compile(work, tools, headers, programs);
    const fresh = join(work, 'finished');
    mkdirSync(fresh);
    for (const file of [...ARTEFACTS, ...programs]) renameSync(join(work, file), join(fresh, file));
    const info = await describeBuild(work, { tools, headers, sourceHash });
    writeFileSync(join(fresh, 'build.json'), `${JSON.stringify(info, null, 2)}\n`);
    swapIn(fresh, work);
  } finally {
    removeTemporary(work);
  }
  console.error(`native part: built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interruption.abort());
try {
  await build();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`minference: ${error.message}`);
  process.exitCode = interruption.signal.aborted ? 130 : 1;
}
