// Child processes of the build. Each leads a process group of its own, so that an interruption ends it with everything
// that it has started: CMake, make, the compilers.
import { spawn } from 'node:child_process';

/** Time that a group has to end by itself; then it is killed. */
const GRACE_MS = 5000;

/** What a build can do nothing about: told without a stack. */
export class BuildError extends Error {}

export const interruption = new AbortController();

/** Runs a program to its end: { status, output }; status is null when there is no such program. */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    if (interruption.signal.aborted) return reject(new BuildError('interrupted'));
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const stop = () => {
      signalGroup(child, 'SIGTERM');
      setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS).unref();
    };
    const killAtExit = () => signalGroup(child, 'SIGKILL');
    interruption.signal.addEventListener('abort', stop);
    process.on('exit', killAtExit);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', () => resolve({ status: null, output: '' }));
    child.on('close', (status) => {
      interruption.signal.removeEventListener('abort', stop);
      process.off('exit', killAtExit);
      if (interruption.signal.aborted) reject(new BuildError('interrupted'));
      else resolve({ status, output });
    });
  });
}

function signalGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}

/** The output of a program, or null when it is missing or fails. */
export async function capture(command, args) {
  const { status, output } = await run(command, args);
  return status === 0 ? output : null;
}

/** @throws BuildError with the program's output when it is missing or fails */
export async function mustRun(command, args) {
  const { status, output } = await run(command, args);
  if (status === 0) return output;
  const hint = /nvcc|\.cu\b/.test(output) ? '\nTo build without CUDA ops: MINFERENCE_CUDA=off' : '';
  throw new BuildError(`${command} ${args.slice(0, 2).join(' ')} … failed:\n${output}${hint}`);
}
