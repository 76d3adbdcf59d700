// What a build makes, and from which sources: an artefact is built again when a file that it is made of has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersions } from './npm-packages.mjs';
import { kernels, readJson, target } from './paths.mjs';

export const BUILD_TYPE = 'Release';
export const LIBRARIES = ['minference.node', 'libminference_ops.so'];
/** Programs without ONNX Runtime for a machine with a GPU: built with --tools, where the CUDA ops are. */
const PROGRAMS = { minference_check: 'cuda/check', minference_bench: 'cuda/bench' };

const SOURCE = /\.(cc|h|cu|cuh|map|cmake)$|^CMakeLists\.txt$/;
const NEVER = /^(build|bench|builder|\.tmp|cuda\/emulate)\//;
const PROGRAM_SOURCE = /^cuda\/(check|bench)\//;
const CUDA_SOURCE = /^(ops\/)?cuda\//;

/**
 * The artefacts of a build, each with the files that it consists of, CMake's targets for them and a hash that changes with
 * everything they are made of, except the compiler.
 */
export function wantedArtefacts({ nvcc, tools }) {
  const sources = listSources();
  const shared = sources.filter((file) => !PROGRAM_SOURCE.test(file) && (nvcc || !CUDA_SOURCE.test(file)));
  const settings = { buildType: BUILD_TYPE, packages: packageVersions(), cuda: nvcc !== undefined };
  const libraries = {
    name: 'libraries',
    files: LIBRARIES,
    targets: ['minference_addon', 'minference_ops'],
    hash: hashFiles(shared, settings),
  };
  if (!nvcc || !tools) return [libraries];
  const programs = Object.entries(PROGRAMS).map(([name, folder]) => ({
    name,
    files: [name],
    targets: [name],
    hash: hashFiles([...shared, ...sources.filter((file) => file.startsWith(`${folder}/`))], settings),
  }));
  return [libraries, ...programs];
}

/** Those that are not in kernels/build as they should be. */
export function staleArtefacts(artefacts) {
  const hashes = builtHashes();
  return artefacts.filter(
    ({ name, files, hash }) => hashes[name] !== hash || !files.every((file) => existsSync(join(target, file))),
  );
}

/** Hash of each artefact that kernels/build holds. */
function builtHashes() {
  try {
    return readJson(join(target, 'build.json')).hashes ?? {};
  } catch {
    return {};
  }
}

function listSources() {
  return readdirSync(kernels, { recursive: true })
    .filter((file) => SOURCE.test(file) && !NEVER.test(file))
    .filter((file) => statSync(join(kernels, file)).isFile())
    .sort();
}

function hashFiles(files, settings) {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(kernels, file)))
      .update('\0');
  return hash.digest('hex');
}
