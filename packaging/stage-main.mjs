// The package `minference`: compiled TypeScript, pattern files, data and the embedded model. Nothing in it is built on
// install; of native code it holds onnxruntime-node's.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLED, bundle } from './bundle.mjs';
import { manifest, root, run, writeJson } from './tools.mjs';

const FOLDERS = ['bin', 'configs', 'datasets', 'models/needle-28m'];
/** How the model was made: its TypeScript and its training. */
const LEFT_OUT = /\.ts$|^models\/needle-28m\/train(\/|$)/;

/** Fields of package.json that are for a clone only. */
const CLONE_ONLY = ['scripts', 'devDependencies', 'files', 'private', 'overrides', 'allowScripts'];

/** Fills the folder and returns it. */
export function stageMain(folder, platforms) {
  mkdirSync(folder, { recursive: true });
  for (const name of FOLDERS) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (source) => !LEFT_OUT.test(source.slice(root.length + 1)),
    });
  }
  for (const name of ['README.md', 'LICENSE']) cpSync(join(root, name), join(folder, name));

  // From the sources as they are now: dist/ may still hold what was removed from them. Their maps would point to nothing.
  const dist = join(folder, 'dist');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', dist, '--sourceMap', 'false']);
  rmSync(join(dist, 'kernels'), { recursive: true, force: true });

  const needed = bundle(folder);
  const published = Object.fromEntries(Object.entries(manifest).filter(([field]) => !CLONE_ONLY.includes(field)));
  writeJson(join(folder, 'package.json'), {
    ...published,
    dependencies: { ...needed, ...manifest.dependencies },
    bundleDependencies: BUNDLED,
    ...platformDependencies(platforms),
  });
  return folder;
}

/**
 * The native part for the CPU comes by itself; the one with CUDA, 300 MB, for those who install it by name: npm cannot see a
 * GPU. As an optional peer its version is checked.
 */
function platformDependencies(platforms) {
  const versions = (some) => Object.fromEntries(some.map(({ suffix }) => [`@minference/${suffix}`, manifest.version]));
  const cuda = platforms.filter((platform) => platform.cuda);
  return {
    optionalDependencies: versions(platforms.filter((platform) => !platform.cuda)),
    peerDependencies: versions(cuda),
    peerDependenciesMeta: Object.fromEntries(cuda.map(({ suffix }) => [`@minference/${suffix}`, { optional: true }])),
  };
}
