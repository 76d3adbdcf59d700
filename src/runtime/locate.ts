import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readEnv } from '../utils/env.js';
import { packageRoot } from '../utils/package-root.js';
import { packageVersion } from '../utils/package-version.js';

const require = createRequire(import.meta.url);

/** npm packages that hold the native part, the best first: the second has no CUDA ops. */
const CUDA_PACKAGE = '@minference/linux-x64-cuda';
const CPU_PACKAGE = '@minference/linux-x64';

export interface NativeFiles {
  /** The N-API addon. */
  addon: string;
  /** The custom-op library. */
  ops: string;
  /** What they were built from and with. */
  buildInfo: string;
  /** ONNX Runtime's shared library: the copy that lies beside the CUDA provider, else onnxruntime-node's. */
  onnxRuntime: string;
  /** Commands that bring the files, without and with what a GPU needs. */
  fix: { cpu: string; cuda: string };
}

/** Where the native files should be; says nothing about whether they are there. */
export function locateNativeFiles(): NativeFiles {
  const { folder, fix } = isClone() ? clonePlace() : packagePlace();
  const chosen = readEnv('MINFERENCE_KERNELS_PATH') ?? folder;
  const beside = join(chosen, 'libonnxruntime.so.1');
  return {
    addon: join(chosen, 'minference.node'),
    ops: join(chosen, 'libminference_ops.so'),
    buildInfo: join(chosen, 'build.json'),
    onnxRuntime: readEnv('MINFERENCE_ORT_LIBRARY') ?? (existsSync(beside) ? beside : bundledOnnxRuntime()),
    fix,
  };
}

/** The library that onnxruntime-node ships, so that both share one copy. */
function bundledOnnxRuntime(): string {
  const root = dirname(require.resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, 'libonnxruntime.so.1');
}

type Place = { folder: string } & Pick<NativeFiles, 'fix'>;

/** A clone uses what it has built, also where a package is installed in a folder above it. */
const isClone = () => existsSync(join(packageRoot(), 'kernels', 'CMakeLists.txt'));

function clonePlace(): Place {
  const fix = { cpu: 'npm run build:kernels', cuda: 'MINFERENCE_CUDA=on npm run build:kernels' };
  return { folder: join(packageRoot(), 'kernels', 'build'), fix };
}

function packagePlace(): Place {
  const install = (name: string) => `npm install ${name}@${packageVersion()}`;
  const folder = packageFolder(CUDA_PACKAGE) ?? packageFolder(CPU_PACKAGE);
  return {
    // Where npm puts it, for the message that says that it is missing.
    folder: folder ?? join(dirname(packageRoot()), CPU_PACKAGE),
    fix: { cpu: install(CPU_PACKAGE), cuda: install(CUDA_PACKAGE) },
  };
}

/** Undefined for a package that is not installed, or of another version: its libraries are not those of this code. */
function packageFolder(name: string): string | undefined {
  try {
    const manifest = require.resolve(`${name}/package.json`);
    return (require(manifest) as { version: string }).version === packageVersion() ? dirname(manifest) : undefined;
  } catch {
    return undefined;
  }
}

/** ONNX Runtime's execution provider for CUDA, which it looks for beside itself. */
export const cudaProvider = ({ onnxRuntime }: NativeFiles): string =>
  join(dirname(onnxRuntime), 'libonnxruntime_providers_cuda.so');
