import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/utils/package-root.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

/** Writes facts.json when it configures; when it builds, "compiles" every target and says so in targets.log. */
const CMAKE = `#!/bin/sh
case "$1" in
  --version) echo 'cmake version 3.25.1' ;;
  -S) echo "$@" >> "$LOG/configure.log"; mkdir -p "$4"; echo '{}' > "$4/facts.json" ;;
  --build)
    if [ -n "$SLOW" ]; then sh -c 'echo $$ > "$LOG/compiler.pid"; sleep 600; :' & wait; exit 1; fi
    for target in "$@"; do
      case "$target" in
        minference_addon) echo built > "$2/minference.node" ;;
        minference_ops) echo built > "$2/libminference_ops.so" ;;
        minference_check | minference_bench) echo built > "$2/$target" ;;
        *) continue ;;
      esac
      echo "$target" >> "$LOG/targets.log"
    done ;;
esac
`;

/** A clone whose tools only pretend, so that what a build does is seen in a moment. */
let clone = '';
let log = '';
beforeEach(() => {
  const folder = temporaryFolder();
  clone = join(folder, 'clone');
  log = join(folder, 'log');
  const programs = join(folder, 'programs');
  for (const path of [clone, log, programs]) mkdirSync(path);
  const skipped = ['build', '.tmp'].map((name) => join(packageRoot(), 'kernels', name));
  cpSync(join(packageRoot(), 'kernels'), join(clone, 'kernels'), {
    recursive: true,
    filter: (source) => !skipped.includes(source),
  });
  writeFileSync(join(clone, 'package.json'), '{ "name": "minference", "version": "1.2.3" }');
  symlinkSync(join(packageRoot(), 'node_modules'), join(clone, 'node_modules'));
  const tools = {
    cmake: CMAKE,
    'c++': '#!/bin/sh\necho "c++ (GCC) 12.2.0"\n',
    make: '#!/bin/sh\necho "GNU Make 4.3"\n',
    nvcc: '#!/bin/sh\necho "Cuda compilation tools, release 13.0"\n',
    npm: '#!/bin/sh\necho "no network here"; exit 1\n',
  };
  for (const [name, script] of Object.entries(tools)) {
    writeFileSync(join(programs, name), script);
    chmodSync(join(programs, name), 0o755);
  }
});

function start(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const PATH = `${join(log, '..', 'programs')}:/usr/bin:/bin`;
  return spawn(process.execPath, [join(clone, 'kernels', 'build.mjs'), ...args], {
    env: { PATH, LOG: log, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stderr };
}

/** Builds, and tells the targets that CMake was asked for. */
async function build(args: string[] = [], env: NodeJS.ProcessEnv = { MINFERENCE_CUDA: 'off' }) {
  const file = join(log, 'targets.log');
  writeFileSync(file, '');
  const { code, stderr } = await finish(start(args, env));
  return { code, stderr, targets: readFileSync(file, 'utf8').split('\n').filter(Boolean).sort() };
}

/** A file that is not there is no edit: it would pass as a new source. */
function edit(file: string): void {
  const path = join(clone, 'kernels', file);
  writeFileSync(path, `${readFileSync(path, 'utf8')}// edited\n`);
}
const built = (file: string) => existsSync(join(clone, 'kernels', 'build', file));
const LIBRARIES = ['minference_addon', 'minference_ops'];

test('a second build does nothing, and an edited kernel is built again', async () => {
  expect(await build()).toMatchObject({ code: 0, targets: LIBRARIES });
  expect(['minference.node', 'libminference_ops.so', 'build.json'].filter(built)).toHaveLength(3);
  expect(await build()).toMatchObject({ code: 0, targets: [], stderr: 'native part: up to date\n' });
  edit('shared/check_params.cc');
  expect(await build()).toMatchObject({ code: 0, targets: LIBRARIES });
  expect(await build(['--force'])).toMatchObject({ code: 0, targets: LIBRARIES });
});

test('sources of CUDA and of other programs do not count where they are not built', async () => {
  await build();
  for (const file of ['cuda/plan/count.cu', 'ops/cuda/cuda_ops.cc', 'cuda/check/main.cc', 'cuda/bench/main.cc'])
    edit(file);
  expect(await build()).toMatchObject({ targets: [] });
});

test('an edit of a check, a bench or the emulator builds that alone', async () => {
  const cuda = { MINFERENCE_CUDA: 'on' };
  const all = [...LIBRARIES, 'minference_bench', 'minference_check'].sort();
  expect(await build(['--tools'], cuda)).toMatchObject({ code: 0, targets: all });
  edit('cuda/check/main.cc');
  expect(await build(['--tools'], cuda)).toMatchObject({ targets: ['minference_check'] });
  edit('cuda/bench/main.cc');
  expect(await build(['--tools'], cuda)).toMatchObject({ targets: ['minference_bench'] });
  edit('cuda/emulate/fibers.cc');
  expect(await build(['--tools'], cuda)).toMatchObject({ targets: [] });
  edit('cuda/plan/count.cu');
  expect(await build(['--tools'], cuda)).toMatchObject({ targets: all });
  expect(all.filter((name) => name.startsWith('minference_check')).every(built)).toBe(true);
});

describe('CUDA', () => {
  const configured = () => readFileSync(join(log, 'configure.log'), 'utf8');

  test('is left out where there is no GPU', async ({ skip }) => {
    if (existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')) skip('there is a GPU here');
    await build([], {});
    expect(configured()).toContain('-DMINFERENCE_CUDA=OFF');
  });

  test('is built when asked for, and a provider that cannot be fetched is told', async () => {
    const { code, stderr } = await build([], { MINFERENCE_CUDA: 'on' });
    expect(configured()).toContain('-DMINFERENCE_CUDA=ON');
    expect(code).toBe(0);
    expect(built('libonnxruntime.so.1')).toBe(true);
    expect(stderr).toMatch(/without ONNX Runtime's CUDA provider.*npm pack failed: no network here/s);
  });

  test('a wrong wish is refused', async () => {
    const { code, stderr } = await build([], { MINFERENCE_CUDA: 'yes' });
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/on, off or auto, found "yes"/) });
  });
});

/** Starts a build and waits until its "compiler" is at work. */
async function startSlow() {
  const child = start([], { MINFERENCE_CUDA: 'off', SLOW: '1' });
  const end = finish(child);
  const note = join(log, 'compiler.pid');
  while (!existsSync(note) || readFileSync(note, 'utf8').trim() === '') await sleep(20);
  return { child, end, compiler: Number(readFileSync(note, 'utf8')) };
}

/** Resolves when the process has written the text. */
const says = (child: ChildProcess, text: string) =>
  new Promise<void>((resolve) => {
    let seen = '';
    child.stderr!.on('data', (piece: string) => {
      seen += piece;
      if (seen.includes(text)) resolve();
    });
  });

async function ends(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(50);
  }
  return false;
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s ends the compilers too and keeps the old build',
  async (signal) => {
    await build();
    edit('shared/check_params.cc');
    const { child, end, compiler } = await startSlow();
    child.kill(signal);
    expect(await end).toMatchObject({ code: 130, stderr: expect.stringContaining('interrupted') });
    expect(await ends(compiler)).toBe(true);
    expect(built('minference.node')).toBe(true);
    expect(await build()).toMatchObject({ code: 0, targets: LIBRARIES });
  },
);

test('after a build that was killed the next one starts afresh; two builds take turns', async () => {
  const { child, end, compiler } = await startSlow();
  const waiting = start([], { MINFERENCE_CUDA: 'off' });
  const second = finish(waiting);
  // The second one has seen the first: it says that it waits.
  await says(waiting, 'waiting for another build');
  expect(built('minference.node')).toBe(false);
  const half = join(clone, 'kernels', '.tmp', 'cmake', 'half-written.o');
  writeFileSync(half, '');
  child.kill('SIGKILL');
  await end;
  process.kill(compiler, 'SIGKILL');
  const { code, stderr } = await second;
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('waiting for another build') });
  expect(built('minference.node')).toBe(true);
  expect(existsSync(half)).toBe(false);
});
