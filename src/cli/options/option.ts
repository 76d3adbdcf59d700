import type * as zod from 'zod';

/** The zod module, handed to schemas when a command runs: `--help` and `--version` must not wait for it to load. */
export type Zod = typeof zod;

/** What commander hands over for one option: its text, true or false for a flag, undefined when absent. */
export type RawValue = string | boolean | undefined;

/**
 * One command-line option: the single place its flags, help text, default, schema and error text come from.
 */
export interface OptionSpec<Value = unknown> {
  /** As commander takes it: '--length <tokens>', '--json', '--no-resume'. */
  flags: string;
  /** What it does, with its unit; one or two lines. */
  help: string;
  /** Value used when the option is absent, as a user would type it; shown in the help. */
  default?: string;
  /** Part of the help it is listed under. */
  group?: string;
  /** A valid use, for error messages: '--length 16k'. */
  example: string;
  /** Checks and converts what the user typed. Its messages read "expected …" and may end in "found …". */
  schema: (z: Zod) => zod.ZodType<Value, RawValue>;
}

export type OptionSpecs = Record<string, OptionSpec>;

/** The parsed options of a command. */
export type OptionValues<Specs extends OptionSpecs> = {
  [Key in keyof Specs]: Specs[Key] extends OptionSpec<infer Value> ? Value : never;
};

/** The words of `flags` in camel case, as commander names the value: '--max-new-tokens <n>' → 'maxNewTokens'. */
export function optionKey(flags: string): string {
  const long = flags.match(/--(?:no-)?([a-z0-9-]+)/)?.[1] ?? flags;
  return long.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The option as the user types it, for error messages: '--length'. */
export function optionName(flags: string): string {
  return flags.match(/--[a-z0-9-]+/)?.[0] ?? flags;
}
