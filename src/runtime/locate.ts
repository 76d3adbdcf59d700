import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../utils/package-root.js';
import { readEnv } from './env.js';

const require = createRequire(import.meta.url);

export interface NativeFiles {
  /** The N-API addon. */
  addon: string;
  /** The custom-op library. */
  ops: string;
  /** What they were built from and with. */
  buildInfo: string;
  /** ONNX Runtime's shared library. */
  onnxRuntime: string;
}

/** Where the native files should be; says nothing about whether they are there. */
export function locateNativeFiles(): NativeFiles {
  const folder = readEnv('MINFERENCE_KERNELS_PATH') ?? join(packageRoot(), 'kernels', 'build');
  return {
    addon: join(folder, 'minference.node'),
    ops: join(folder, 'libminference_ops.so'),
    buildInfo: join(folder, 'build.json'),
    onnxRuntime: readEnv('MINFERENCE_ORT_LIBRARY') ?? bundledOnnxRuntime(),
  };
}

/** The library that onnxruntime-node ships, so that both share one copy. */
function bundledOnnxRuntime(): string {
  const root = dirname(require.resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, 'libonnxruntime.so.1');
}
