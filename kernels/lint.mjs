// Checks the native sources: `node kernels/lint.mjs [--fix]`. Format by clang-format, and the include arrows.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokenArrows } from './include-arrows.mjs';

const kernels = dirname(fileURLToPath(import.meta.url));

function sources() {
  return readdirSync(kernels, { recursive: true })
    .filter((file) => /\.(cc|h|cu|cuh)$/.test(file) && !/^(build|\.tmp)\//.test(file))
    .sort();
}

/** clang-format's own program; undefined where the npm package has none for this platform. */
function findFormatter() {
  const root = dirname(createRequire(import.meta.url).resolve('clang-format/package.json'));
  const program = join(root, 'bin', `${process.platform}_${process.arch}`, 'clang-format');
  return existsSync(program) ? program : undefined;
}

function checkFormat(files, fix) {
  const program = findFormatter();
  if (program === undefined) {
    console.error(`kernels: format not checked, clang-format has no program for ${process.platform} ${process.arch}`);
    return [];
  }
  const mode = fix ? ['-i'] : ['--dry-run', '-Werror', '--ferror-limit=1'];
  const result = spawnSync(program, ['--style=file', ...mode, ...files.map((file) => join(kernels, file))], {
    encoding: 'utf8',
  });
  if (result.error) throw result.error;
  if (result.status === 0) return [];
  const found = result.stderr.match(/^.*error: code should be clang-formatted.*$/gm) ?? [result.stderr];
  return [...found.map((line) => line.replace(`${dirname(kernels)}/`, '')), 'fix with: node kernels/lint.mjs --fix'];
}

const files = sources();
const problems = [
  ...files.flatMap((file) => brokenArrows(kernels, file, readFileSync(join(kernels, file), 'utf8'))),
  ...checkFormat(files, process.argv.includes('--fix')),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.error(`kernels: ${files.length} native files checked`);
