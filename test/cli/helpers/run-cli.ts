import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { ROOT } from './build.js';

const BIN = join(ROOT, 'bin/minference.js');

interface ProcessResult {
  exitCode: number | undefined;
  /** Name of the signal that ended it. */
  signal: string | undefined;
  stdout: string;
  stderr: string;
  /** Milliseconds from start to end. */
}

export interface RunningProcess {
  result: Promise<ProcessResult>;
  /** Resolves once the process has printed `text`, so that tests need not guess how long its start takes. */
  printed(text: string | RegExp, stream?: 'stdout' | 'stderr'): Promise<void>;
  /** Types into its stdin. */
  type(text: string): void;
  kill(signal: NodeJS.Signals): void;
}

interface ProcessOptions {
  cwd?: string;
  /** Added to {@link userEnvironment}. */
  env?: Record<string, string>;
  /** Whole stdin; empty when absent, open for `type` when 'pipe'. */
  input?: string | Uint8Array;
  stdin?: 'pipe';
}

/** The environment of a user: no CI, no colours forced, no test runner's NODE_ENV. */
function userEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const hidden = /^(CI|CI_.*|CONTINUOUS_INTEGRATION|NODE_ENV|FORCE_COLOR|NO_COLOR|VITEST.*|NODE_OPTIONS)$/;
  const inherited = Object.entries(process.env).filter(([name]) => !hidden.test(name)) as [string, string][];
  return { ...Object.fromEntries(inherited), TERM: 'xterm-256color', ...extra };
}

/** Starts a program of this project as a user would. */
export function start(file: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const { input, stdin, env, cwd = ROOT } = options;
  const common: Options = { cwd, reject: false, extendEnv: false, stripFinalNewline: false, env: userEnvironment(env) };
  const source: Options = input === undefined ? { stdin: stdin ?? 'ignore' } : { input };
  const subprocess = execa(file, args, { ...common, ...source });
  const seen = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    subprocess[stream]!.on('data', (chunk: Buffer) => {
      seen[stream] += chunk.toString();
    });
  }
  return {
    result: subprocess.then(({ exitCode, signal, stdout, stderr }) => ({
      exitCode,
      signal,
      stdout: String(stdout),
      stderr: String(stderr),
    })),
    printed(text, stream = 'stdout') {
      const found = () => (typeof text === 'string' ? seen[stream].includes(text) : text.test(seen[stream]));
      return new Promise((resolve, reject) => {
        const check = () => found() && resolve();
        check();
        subprocess[stream]!.on('data', check);
        subprocess[stream]!.on('end', () => reject(new Error(`expected ${text} on ${stream}, found ${seen[stream]}`)));
      });
    },
    type: (text) => void subprocess.stdin!.write(text),
    kill: (signal) => void subprocess.kill(signal),
  };
}

/** Starts `minference <args>`. */
export const startCli = (args: readonly string[], options?: ProcessOptions) =>
  start(process.execPath, [BIN, ...args], options);

/** Runs `minference <args>` to its end. */
export const runCli = (args: readonly string[], options?: ProcessOptions) => startCli(args, options).result;

/**
 * Starts a shell command in a pseudo-terminal of 90 × 24, made by util-linux' script(1). Its stdout is what the
 * terminal got, stdout and stderr of the command in one.
 */
export const startInTerminal = (command: string, env: Record<string, string> = {}) =>
  start('script', ['-qfec', `stty cols 90 rows 24; ${command}`, '/dev/null'], {
    stdin: 'pipe',
    env: { SHELL: '/bin/sh', ...env },
  });

/** The shell command for `minference <args>`. */
export function cliCommand(args: readonly string[]): string {
  return [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
