import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/utils/package-root.js';
import { packageVersion } from '../../src/utils/package-version.js';
import { sharedFolder } from '../utils/temporary-folder.js';

const folder = sharedFolder();
let files: string[] = [];
let manifest: Record<string, Record<string, string> | undefined> = {};
beforeAll(() => {
  const module = new URL(`file://${join(packageRoot(), 'packaging', 'stage-main.mjs')}`);
  const script = `import { stageMain } from '${module}'; stageMain(${JSON.stringify(folder)}, [{ suffix: 'linux-x64' }])`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script]);
  files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
});

test('of ONNX Runtime and transformers only what Node.js loads here is there, with no script', () => {
  const runtime = files.filter((file) => /^node_modules\/onnxruntime-node\/bin\//.test(file)).sort();
  const folderOf = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
  expect(runtime).toEqual([`${folderOf}/libonnxruntime.so.1`, `${folderOf}/onnxruntime_binding.node`]);
  for (const name of ['onnxruntime-node', '@huggingface/transformers']) {
    const bundled = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
    expect(bundled.version).toBe(manifest.dependencies![name]);
    expect(bundled).not.toHaveProperty('scripts');
  }
});

test('nothing runs when the package is installed, and the native part is an optional package of the same version', () => {
  expect(manifest).not.toHaveProperty('scripts');
  expect(manifest).not.toHaveProperty('devDependencies');
  expect(manifest.optionalDependencies).toEqual({ '@minference/linux-x64': packageVersion() });
});

test('program, library, patterns, data and model are there; sources, maps and how the model was made are not', () => {
  for (const file of ['bin/minference.js', 'dist/src/index.js', 'dist/src/index.d.ts']) expect(files).toContain(file);
  for (const file of ['configs/needle-28m.json', 'models/needle-28m/onnx/model.onnx_data'])
    expect(files).toContain(file);
  for (const name of ['dist/search/', 'datasets/']) expect(files.some((file) => file.startsWith(name))).toBe(true);
  const own = files.filter((file) => !file.startsWith('node_modules/'));
  const wrong = own.filter((file) =>
    /(?<!\.d)\.tsx?$|\.map$|^(kernels|test|models\/(?!needle)|.*\/train)\//.test(file),
  );
  expect(wrong).toEqual([]);
});

test('what the compiled code imports is a dependency, and every dependency is imported', () => {
  const imported = new Set<string>();
  for (const file of files.filter((name) => /^dist\/.*\.js$/.test(name))) {
    const code = readFileSync(join(folder, file), 'utf8');
    for (const [, name] of code.matchAll(/(?:from|import|import\(|require\.resolve\()\s*['"]([^.'"][^'"]*)['"]/g)) {
      if (name!.startsWith('node:') || builtinModules.includes(name!)) continue;
      imported.add(
        name!
          .split('/')
          .slice(0, name!.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    }
  }
  const bundled = (manifest.bundleDependencies as unknown as string[]).map(
    (name) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).dependencies,
  );
  const needed = new Set([...imported, ...bundled.flatMap(Object.keys), 'onnxruntime-node']);
  expect([...needed].sort()).toEqual(Object.keys(manifest.dependencies!).sort());
});
