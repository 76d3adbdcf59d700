// Two dependencies travel inside the package, for a clone's overrides do nothing where the package is installed: there
// @huggingface/transformers would bring a second ONNX Runtime and the one for browsers (430 MB), and onnxruntime-node its
// libraries for five platforms (280 MB) and a script that downloads a provider from elsewhere. The files are theirs.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { onnxRuntime } from '../kernels/builder/npm-packages.mjs';
import { readJson, root, writeJson } from './tools.mjs';

export const BUNDLED = ['@huggingface/transformers', 'onnxruntime-node'];

/** What an import from Node.js on this platform never opens. */
const LEFT_OUT = {
  '@huggingface/transformers': /^\/(src|dist\/(?!transformers\.node\.)[^/]*)$/,
  'onnxruntime-node': /^\/(script|lib|bin\/napi-v6\/(?!linux)[^/]+|bin\/napi-v6\/linux\/(?!x64)[^/]+)$/,
};
/** Dependencies of what is left out. */
const NOT_NEEDED = {
  '@huggingface/transformers': ['onnxruntime-web'],
  'onnxruntime-node': ['adm-zip', 'global-agent'],
};

/**
 * Puts them into the node_modules of the package.
 *
 * @returns what they need: npm installs no dependency of a bundled package, so that the package itself must name them
 */
export function bundle(folder) {
  const needed = {};
  for (const name of BUNDLED) {
    const source = join(root, 'node_modules', name);
    const target = join(folder, 'node_modules', name);
    cpSync(source, target, { recursive: true, filter: (path) => !LEFT_OUT[name].test(path.slice(source.length)) });
    const { scripts: _, devDependencies: __, dependencies, ...rest } = readJson(join(source, 'package.json'));
    const kept = Object.entries(dependencies).filter(([other]) => !NOT_NEEDED[name].includes(other));
    const versions = Object.fromEntries(kept.map(([other]) => [other, installedVersion(other)]));
    writeJson(join(target, 'package.json'), { ...rest, dependencies: versions });
    Object.assign(needed, versions);
  }
  cpSync(onnxRuntime().notices, join(folder, 'node_modules', 'onnxruntime-node', 'ThirdPartyNotices.txt'));
  return needed;
}

const installedVersion = (name) => readJson(join(root, 'node_modules', name, 'package.json')).version;
