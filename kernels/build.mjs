// Builds the native part into kernels/build: `node kernels/build.mjs [--force] [--tools] [--out <folder>]`. npm runs it on
// install, so it uses nothing but Node. Only what changed is built again (--force: everything); the result
// is swapped in at the end: an interrupted or failed build leaves the old one, or none.
import { chmodSync, copyFileSync, existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';
import { BUILD_TYPE, LIBRARIES, staleArtefacts, wantedArtefacts } from './builder/artefacts.mjs';
import { PROVIDER_FILES, placeProvider } from './builder/cuda-provider.mjs';
import { nodeHeaders, onnxRuntime } from './builder/npm-packages.mjs';
import { kernels, readJson, root, target } from './builder/paths.mjs';
import { BuildError, capture, interruption, mustRun } from './builder/processes.mjs';
import { freshFolder, swapIn } from './builder/swap-in.mjs';
import { findNvcc, findTools } from './builder/tools.mjs';
import { withWorkFolder } from './builder/work-folder.mjs';

const BYTES_PER_JOB = 1.5e9;
/** ONNX Runtime looks for its providers beside its library, so that a build with CUDA ops has a copy of both. */
const ONNX_RUNTIME_LIBRARY = 'libonnxruntime.so.1';

async function build({ force, tools }) {
  const nvcc = await findNvcc();
  const wanted = wantedArtefacts({ nvcc, tools });
  const stale = () => (force ? wanted : staleArtefacts(wanted));
  const missing = () => nvcc && [ONNX_RUNTIME_LIBRARY, ...PROVIDER_FILES].some((file) => !inTarget(file));
  if (stale().length === 0 && !missing()) return console.error('native part: up to date');

  const started = Date.now();
  const machine = await findTools();
  const settings = JSON.stringify({ ...machine, nvcc });
  await withWorkFolder(nvcc ? 'cmake-cuda' : 'cmake', settings, { fresh: force }, async (work) => {
    const artefacts = stale();
    if (artefacts.length > 0) await compile(work, machine, nvcc, artefacts);
    await assemble(work, { machine, nvcc, wanted, artefacts });
  });
  console.error(`native part: built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

const inTarget = (file) => existsSync(join(target, file));

async function compile(work, { cmake, generator }, nvcc, artefacts) {
  const names = artefacts.map(({ name }) => name).join(', ');
  console.error(`native part: building ${names} with CMake ${cmake}${nvcc ? ` and nvcc ${nvcc}` : ''} …`);
  const defines = {
    CMAKE_BUILD_TYPE: BUILD_TYPE,
    MINFERENCE_ORT_HEADERS: onnxRuntime().headers,
    MINFERENCE_NODE_HEADERS: nodeHeaders().join(';'),
    MINFERENCE_CUDA: nvcc ? 'ON' : 'OFF',
  };
  const options = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  await mustRun('cmake', ['-S', kernels, '-B', work, '-G', generator, ...options]);
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / BYTES_PER_JOB)));
  const targets = artefacts.flatMap((artefact) => artefact.targets);
  await mustRun('cmake', ['--build', work, '--parallel', String(jobs), '--target', ...targets]);
}

/** Fills a folder with what was built and what is still good of the old build, and swaps it in. */
async function assemble(work, { machine, nvcc, wanted, artefacts }) {
  const fresh = freshFolder();
  try {
    chmodSync(fresh, 0o755);
    const kept = new Map(wanted.filter((one) => !artefacts.includes(one)).map((one) => [one.name, one]));
    for (const { files } of artefacts) for (const file of files) copyFileSync(join(work, file), join(fresh, file));
    for (const { files } of kept.values()) for (const file of files) linkSync(join(target, file), join(fresh, file));
    if (nvcc) copyFileSync(onnxRuntime().library, join(fresh, ONNX_RUNTIME_LIBRARY));
    const problem = nvcc ? await placeProvider(fresh) : undefined;
    if (problem !== undefined) {
      console.error(`native part: without ONNX Runtime's CUDA provider, which --device cuda needs. ${problem}`);
    }
    const libraries = artefacts.some(({ files }) => files === LIBRARIES);
    const info = libraries ? await describeBuild(work, machine) : readJson(join(target, 'build.json'));
    const hashes = Object.fromEntries(wanted.map(({ name, hash }) => [name, hash]));
    writeFileSync(join(fresh, 'build.json'), `${JSON.stringify({ ...info, hashes }, null, 2)}\n`);
    swapIn(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function describeBuild(work, { cmake }) {
  return {
    version: readJson(join(root, 'package.json')).version,
    commit: (await capture('git', ['-C', root, 'rev-parse', 'HEAD']))?.trim() ?? null,
    builtAt: new Date().toISOString(),
    ...readJson(join(work, 'facts.json')),
    cmake,
    ortApiVersion: onnxRuntime().apiVersion,
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interruption.abort());
try {
  await build({ force: process.argv.includes('--force'), tools: process.argv.includes('--tools') });
} catch (error) {
  const interrupted = interruption.signal.aborted;
  if (!interrupted && !(error instanceof BuildError)) throw error;
  console.error(`minference: ${interrupted ? 'interrupted' : error.message}`);
  process.exitCode = interrupted ? 130 : 1;
}
