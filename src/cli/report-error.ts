import { MinferenceError } from '../errors.js';
import { formatErrorText } from './format-error.js';
import { stderrStyle } from './terminal.js';

/** Errors of the engine or of a bug have no code of ours. */
function describe(error: unknown): { code: string; message: string; hint: string | undefined; exitCode: number } {
  if (error instanceof MinferenceError) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const hint = 'this is a defect of minference: please report it with the output of the same command and --debug';
  return { code: 'UNEXPECTED', message: `unexpected failure: ${message}`, hint, exitCode: 1 };
}

/** The error and everything that caused it, with stacks. */
function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error; cause !== undefined && parts.length < 10; cause = (cause as Error | undefined)?.cause) {
    parts.push(cause instanceof Error ? (cause.stack ?? String(cause)) : String(cause));
    if (!(cause instanceof Error)) break;
  }
  return parts.join('\ncaused by: ');
}

/**
 * Prints an error on stderr and, with --json, as an object on stdout, so that a program reading it sees why there is no
 * result. Returns the exit code.
 */
export function reportError(error: unknown, options: { json: boolean; debug: boolean }): number {
  const { code, message, hint, exitCode } = describe(error);
  process.stderr.write(formatErrorText(message, hint, stderrStyle.level > 0));
  if (options.debug) process.stderr.write(`${stackOf(error)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`);
  return exitCode;
}
