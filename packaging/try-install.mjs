// Installs dist-packages/*.tgz into an empty folder as a user would, where no compiler can be found, and runs the program from
// there.
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture, root, run } from './tools.mjs';

const MAX_INSTALLED_BYTES = 450e6;
const COMPILERS = ['cc', 'c++', 'gcc', 'g++', 'clang', 'cmake', 'make', 'ninja', 'nvcc', 'python3'];

function findTarballs() {
  const folder = join(root, 'dist-packages');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tgz')) : [];
  if (names.length === 0) throw new Error(`expected packages in ${folder}, found none; run: npm run pack:all`);
  return names.map((name) => join(folder, name));
}

/** Programs and nothing else: what is not linked here does not exist for npm and what it starts. */
function programsFolder(folder, node) {
  mkdirSync(folder);
  symlinkSync(node, join(folder, 'node'));
  symlinkSync('/bin/sh', join(folder, 'sh'));
  for (const name of COMPILERS) {
    const found = capture('/bin/sh', ['-c', `command -v ${name}`], { env: { PATH: folder } });
    if (found !== null) throw new Error(`expected no ${name} on the PATH, found ${found}`);
  }
  return folder;
}

function sizeOf(path) {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/**
 * Throws where something is not as a user expects it; else prints versions, times and size.
 *
 * @param npm - npm's own program, a script for `node`
 * @param device - what search and prefill run on; "cuda" wants a usable GPU
 * @param keep - leave the folder
 */
export function tryInstall({ node, npm, device, keep }) {
  const tarballs = findTarballs();
  const folder = mkdtempSync(join(tmpdir(), 'minference-install-'));
  const project = join(folder, 'project');
  mkdirSync(project);
  const env = userEnvironment(programsFolder(join(folder, 'programs'), node), join(folder, 'cache'));
  const inside = { cwd: project, env };
  const must = (...args) => {
    const output = capture(node, args, { ...inside, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
    if (output === null) throw new Error(`node ${args.join(' ')} failed`);
    return output;
  };
  const cli = (...args) => must(join('node_modules', 'minference', 'bin', 'minference.js'), ...args);
  try {
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
    run(node, [npm, 'install', '--no-audit', '--no-fund', ...tarballs], inside);
    const installed = seconds();
    expectThat(existsSync(join(project, 'node_modules', '.bin', 'minference')), 'the program in node_modules/.bin');
    cli('search', '--length', '2048', '--out', 'patterns.json', '--device', device);
    const searched = seconds();

    const prompt = ['--prompt', 'The secret word is heron. What is the secret word?', '--max-new-tokens', '4'];
    const answer = JSON.parse(cli('prefill', '--patterns', 'patterns.json', ...prompt, '--json', '--device', device));
    expectThat(typeof answer === 'object', 'a result of prefill', answer);
    const { onnxRuntime, gpu } = JSON.parse(cli('inspect', '--json')).native;
    expectThat(
      onnxRuntime.path.startsWith(join(project, 'node_modules')),
      'ONNX Runtime of this installation',
      onnxRuntime,
    );
    const copies = runtimesIn(join(project, 'node_modules'));
    expectThat(
      copies.length === 1 + tarballs.filter((name) => name.includes('cuda')).length,
      'one ONNX Runtime',
      copies,
    );
    expectThat(device !== 'cuda' || gpu.usable, 'a usable GPU', gpu);
    const script = 'import * as m from "minference"; console.log(typeof m.search, typeof m.prefill)';
    const api = must('--input-type=module', '-e', script).trim();
    expectThat(api === 'function function', 'search and prefill in the API', api);

    const bytes = sizeOf(join(project, 'node_modules'));
    const size = `${(bytes / 1e6).toFixed(0)} MB`;
    expectThat(bytes <= MAX_INSTALLED_BYTES, 'at most 450 MB installed', size);
    const versions = `Node ${must('--version').trim()}, npm ${must(npm, '--version').trim()}`;
    console.log(`${versions}: ${size} installed in ${installed} s, the first search done after ${searched} s`);
  } finally {
    if (keep) console.log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** In the package with CUDA lies another copy, beside the provider. */
const runtimesIn = (folder) =>
  readdirSync(folder, { recursive: true }).filter((name) => /libonnxruntime\.so/.test(name));

/** Without what `npm run` tells of this project, and without this project's own variables. */
function userEnvironment(programs, cache) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_local)|MINFERENCE_)/.test(name),
  );
  return { ...Object.fromEntries(inherited), PATH: programs, XDG_CACHE_HOME: cache };
}

function expectThat(condition, expected, found) {
  if (!condition) throw new Error(`expected ${expected}, found ${JSON.stringify(found)}`);
}
