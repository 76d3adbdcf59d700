import type { MinferenceError } from '../errors.js';
import type { ProgressReporter } from '../utils/progress.js';
import type { outputOptions } from './options/common.js';
import type { OptionSpecs, OptionValues } from './options/option.js';

/** What a command gets besides its options. */
export interface CommandContext {
  progress: ProgressReporter;
  /** Aborts at the first Ctrl-C. */
  signal: AbortSignal;
  /** Writes a part of the result to stdout at once (streamed text); never called with --json. */
  write(text: string): void;
  /** What stands behind the options, for commands that take it. */
  operands: readonly string[];
}

/** What a command found out: printed on stdout in one of two forms. */
export interface CommandResult {
  /** Printed with --json. */
  json: unknown;
  /** Printed otherwise; '' when everything was streamed. */
  text: string;
  /** 0 by default; 1 where what was found is no success, though there is a result. */
  exitCode?: 0 | 1;
  /** Why the result is only a part of what was asked for: told after it, and the exit code is that of a failure. */
  partial?: MinferenceError;
}

export type OutputValues = OptionValues<typeof outputOptions>;

export type CommandRun<Specs extends OptionSpecs> = (
  options: OptionValues<Specs> & OutputValues,
  context: CommandContext,
) => Promise<CommandResult>;

/** One command of the CLI. Its implementation is loaded only when it runs. */
export interface CommandSpec<Specs extends OptionSpecs = OptionSpecs> {
  /** Words after `minference`: 'search', 'eval niah'. */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** A paragraph for the command's own help. */
  description: string;
  options: Specs;
  /** What it takes besides options, one or more: folders or files. */
  operands?: { name: string; help: string };
  /** Real invocations without the leading `minference`, each with what it does. */
  examples: { command: string; does: string }[];
  /** What to tell a user who interrupted it. */
  afterInterrupt: string;
  load: () => Promise<CommandRun<Specs>>;
}

/** Keeps the types of a command's options together with its implementation. */
export function defineCommand<const Specs extends OptionSpecs>(spec: CommandSpec<Specs>): CommandSpec {
  return spec as unknown as CommandSpec;
}
