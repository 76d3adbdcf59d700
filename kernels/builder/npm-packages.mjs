// What the build takes from npm packages: headers of Node and of ONNX Runtime, and ONNX Runtime's library.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readJson, root } from './paths.mjs';
import { BuildError } from './processes.mjs';

/** The repack for another engine: the one npm package that has ONNX Runtime's C++ headers. */
const ONNX_RUNTIME_HEADERS = 'com.github.asus4.onnxruntime';
const PACKAGES = [ONNX_RUNTIME_HEADERS, 'node-addon-api', 'node-api-headers'];

function packageFolder(name) {
  const require = createRequire(join(root, 'package.json'));
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    throw new BuildError(`expected the npm package ${name} to be installed; run: npm ci`);
  }
}

export const packageVersions = () =>
  Object.fromEntries(PACKAGES.map((name) => [name, readJson(join(packageFolder(name), 'package.json')).version]));

export const nodeHeaders = () => [packageFolder('node-addon-api'), join(packageFolder('node-api-headers'), 'include')];

/** ONNX Runtime: folder of its C++ headers, the version of their API, its notices, and the library of onnxruntime-node. */
export function onnxRuntime() {
  const folder = packageFolder(ONNX_RUNTIME_HEADERS);
  const plugins = join(folder, 'Plugins');
  const header = readdirSync(plugins, { recursive: true }).find((file) =>
    file.endsWith('/Headers/onnxruntime_cxx_api.h'),
  );
  if (header === undefined) throw new BuildError(`expected onnxruntime_cxx_api.h below ${plugins}; run: npm ci`);
  const headers = dirname(join(plugins, header));
  const text = readFileSync(join(headers, 'onnxruntime_c_api.h'), 'utf8');
  return {
    headers,
    apiVersion: Number(text.match(/#define ORT_API_VERSION (\d+)/)[1]),
    library: join(packageFolder('onnxruntime-node'), 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime.so.1'),
    notices: join(folder, 'ThirdPartyNotices.txt'),
  };
}
