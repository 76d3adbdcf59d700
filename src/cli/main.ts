import { CommanderError } from 'commander';
import { guardStreams } from './guard-streams.js';
import { buildProgram } from './program.js';

const EXIT_USAGE = 2;
/** A finished command whose process lives on after this (a connection kept alive, say) is ended. */
const LINGER_MS = 1000;

/** Runs the command line `argv` (as process.argv) and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  guardStreams();
  const program = buildProgram(async (spec, raw, operands) => {
    const { runCommand } = await import('./run-command.js');
    process.exitCode = await runCommand(spec, raw, operands);
    setTimeout(() => process.exit(), LINGER_MS).unref();
  });
  if (argv.length <= 2) return program.outputHelp();
  try {
    await program.parseAsync(argv);
  } catch (error) {
    // Commander has printed its message; help and version end here too, with exit code 0.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
}
