// Builds the native part into kernels/build: `node kernels/build.mjs [--force]`. npm runs it on install, before
// anything else is built, so it uses nothing but Node. The build happens in a temporary folder and is swapped in at the
// end: an interrupted or failed build leaves the old one, or none.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_CMAKE = [3, 25];
const MIN_GCC = 11; // C++20 with <bit>, and AVX-512 intrinsics
const BYTES_PER_JOB = 1.5e9;
const kernels = dirname(fileURLToPath(import.meta.url));
const root = dirname(kernels);
const target = join(kernels, 'build');
const ARTEFACTS = ['minference.node', 'libminference_ops.so'];

class BuildError extends Error {}

function capture(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout : null;
}

function findTools() {
  const missing = [];
  const cmake = capture('cmake', ['--version'])?.match(/version (\d+)\.(\d+)[.\d]*/);
  if (!cmake) missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: not found`);
  else if (Number(cmake[1]) < MIN_CMAKE[0] || (Number(cmake[1]) === MIN_CMAKE[0] && Number(cmake[2]) < MIN_CMAKE[1])) {
    missing.push(`CMake ≥ ${MIN_CMAKE.join('.')}: found ${cmake[0].replace('version ', '')}`);
  }
  const cxx = process.env.CXX || 'c++';
  const version = capture(cxx, ['--version']);
  if (version === null) missing.push(`a C++20 compiler (GCC ≥ ${MIN_GCC} or Clang ≥ 14): "${cxx}" not found`);
  else {
    const gcc = /free software foundation/i.test(version) ? Number(version.match(/\) (\d+)\./)?.[1]) : Number.NaN;
    if (gcc < MIN_GCC) missing.push(`a C++20 compiler: GCC ≥ ${MIN_GCC} expected, found GCC ${gcc}`);
  }
  const ninja = capture('ninja', ['--version']) !== null;
  if (!ninja && capture('make', ['--version']) === null) missing.push('make or ninja: not found');
  if (missing.length > 0) {
    throw new BuildError(
      `the native part cannot be built; missing:\n${missing.map((line) => `  - ${line}`).join('\n')}\n` +
        'Debian, Ubuntu:  apt-get install cmake g++ make\n' +
        'Fedora, RHEL:    dnf install cmake gcc-c++ make\n' +
        `A newer CMake than the distribution's: https://cmake.org/download. Then run: npm run build:kernels`,
    );
  }
  return { cmake: cmake[0].replace('version ', ''), compiler: version.split('\n')[0], ninja };
}

function packageFolder(name) {
  const require = createRequire(join(root, 'package.json'));
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    throw new BuildError(`expected the npm package ${name} to be installed; run: npm ci`);
  }
}

/** ONNX Runtime's C++ headers: the repack for another engine is the one npm package that carries them. */
function ortHeaders() {
  const plugins = join(packageFolder('com.github.asus4.onnxruntime'), 'Plugins');
  const header = readdirSync(plugins, { recursive: true }).find((file) =>
    file.endsWith('/Headers/onnxruntime_cxx_api.h'),
  );
  if (header === undefined) throw new BuildError(`expected onnxruntime_cxx_api.h below ${plugins}; run: npm ci`);
  return dirname(join(plugins, header));
}

function sourceFiles() {
  const wanted = /\.(cc|h|cu|cuh|map)$|CMakeLists\.txt$|build\.mjs$/;
  return readdirSync(kernels, { recursive: true })
    .filter((file) => wanted.test(file) && !/^(build|bench)\b(?!\.mjs)/.test(file))
    .map((file) => join(kernels, file))
    .filter((file) => statSync(file).isFile())
    .sort();
}

function hashSources(files, extra) {
  const hash = createHash('sha256').update(JSON.stringify(extra));
  for (const file of files) hash.update(relative(kernels, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function isUpToDate(sourceHash) {
  try {
    const info = JSON.parse(readFileSync(join(target, 'build.json'), 'utf8'));
    return info.sourceHash === sourceHash && ARTEFACTS.every((file) => existsSync(join(target, file)));
  } catch {
    return false;
  }
}

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  if (result.status !== 0) {
    throw new BuildError(
      `${command} ${args.slice(0, 2).join(' ')} … failed:\n${result.stdout ?? ''}${result.stderr ?? result.error}`,
    );
  }
}

function build() {
  const tools = findTools();
  const headers = {
    ort: ortHeaders(),
    napi: packageFolder('node-addon-api'),
    node: join(packageFolder('node-api-headers'), 'include'),
  };
  const versions = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const options = { buildType: 'Release', compiler: tools.compiler };
  const sourceHash = hashSources(sourceFiles(), options);
  if (!process.argv.includes('--force') && isUpToDate(sourceHash)) return console.error('native part: up to date');

  console.error(`native part: building with CMake ${tools.cmake}, ${tools.compiler} …`);
  const started = Date.now();
  mkdirSync(join(kernels, '.tmp'), { recursive: true });
  const work = mkdtempSync(join(kernels, '.tmp', 'build-'));
  const interrupted = () => {
    rmSync(join(kernels, '.tmp'), { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const generator = tools.ninja ? ['-G', 'Ninja'] : [];
    const defines = {
      CMAKE_BUILD_TYPE: options.buildType,
      MINFERENCE_ORT_HEADERS: headers.ort,
      MINFERENCE_NODE_HEADERS: `${headers.napi};${headers.node}`,
    };
    run('cmake', ['-S', kernels, '-B', work, ...generator, ...Object.entries(defines).map(([k, v]) => `-D${k}=${v}`)]);
    const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / BYTES_PER_JOB)));
    run('cmake', ['--build', work, '--parallel', String(jobs)]);
    const fresh = join(work, 'install');
    mkdirSync(fresh);
    for (const file of ARTEFACTS) renameSync(join(work, file), join(fresh, file));
    const info = {
      version: versions.version,
      commit: capture('git', ['-C', root, 'rev-parse', 'HEAD'])?.trim() ?? null,
      builtAt: new Date().toISOString(),
      compiler: tools.compiler,
      cmake: tools.cmake,
      buildType: options.buildType,
      ortApiVersion: Number(
        readFileSync(join(headers.ort, 'onnxruntime_c_api.h'), 'utf8').match(/#define ORT_API_VERSION (\d+)/)[1],
      ),
      devices: ['cpu'],
      sourceHash,
    };
    writeFileSync(join(fresh, 'build.json'), `${JSON.stringify(info, null, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(join(kernels, '.tmp'), { recursive: true, force: true });
  }
  console.error(`native part: built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

try {
  build();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`minference: ${error.message}`);
  process.exitCode = 1;
}
