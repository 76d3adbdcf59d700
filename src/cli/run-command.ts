import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import { type Interrupt, SIGNAL_EXIT_CODE, watchInterrupts } from '../utils/interrupt.js';
import type { CommandContext, CommandResult, CommandSpec, OutputValues } from './command-spec.js';
import { outputOptions } from './options/common.js';
import type { RawValue } from './options/option.js';
import { parseOptions } from './options/parse-options.js';
import { reportError } from './report-error.js';
import { createReporter } from './reporters/create-reporter.js';
import type { Reporter } from './reporters/reporter.js';

function printResult(result: CommandResult, json: boolean, afterProgress: boolean): void {
  const text = json ? JSON.stringify(result.json, null, 2) : result.text;
  if (text === '') return;
  // Where both streams are the same screen, a blank line parts the progress from the result.
  if (process.stdout.isTTY && process.stderr.isTTY && afterProgress) process.stderr.write('\n');
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Anything that fails after Ctrl-C failed because of it, unless it says itself how to go on. */
function asInterruption(error: unknown, interrupt: Interrupt): unknown {
  if (!interrupt.received) return error;
  const reason = interrupt.signal.reason as MinferenceError;
  if (error instanceof MinferenceError && error.code === 'ABORTED' && error.hint !== undefined) return error;
  return new MinferenceError('ABORTED', reason.message, { ...defined({ hint: reason.hint }), cause: error });
}

interface Call {
  raw: Record<string, RawValue>;
  operands: readonly string[];
}

async function execute(spec: CommandSpec, { raw, operands }: Call, reporter: Reporter, interrupt: Interrupt) {
  const options = { ...(await parseOptions(spec.options, raw)), ...(await parseOptions(outputOptions, raw)) };
  const context: CommandContext = {
    progress: reporter,
    signal: interrupt.signal,
    write: (text) => void process.stdout.write(text),
    operands,
  };
  const run = await spec.load();
  const result = await run(options as Record<string, unknown> & OutputValues, context);
  interrupt.signal.throwIfAborted();
  reporter.close();
  printResult(result, options.json, reporter.hasPrinted);
  return result;
}

/** Runs one command from its raw options and operands to its exit code. */
export async function runCommand(
  spec: CommandSpec,
  raw: Record<string, RawValue>,
  operands: readonly string[] = [],
): Promise<number> {
  const json = raw.json === true;
  const debug = raw.debug === true;
  const reporter = await createReporter({ json, quiet: raw.quiet === true });
  using interrupt = watchInterrupts({
    hint: spec.afterInterrupt,
    onFirst: () => reporter.warn('stopping after the step in progress; Ctrl-C again quits at once'),
  });
  const onCrash = (error: unknown) => {
    reporter.close();
    process.exit(reportError(error, { json, debug }));
  };
  process.once('uncaughtException', onCrash);
  try {
    const { partial, exitCode = 0 } = await execute(spec, { raw, operands }, reporter, interrupt);
    // With --json the result says itself what is missing: a second object would break it.
    return partial ? reportError(partial, { json: false, debug }) : exitCode;
  } catch (error) {
    reporter.close();
    const code = reportError(asInterruption(error, interrupt), { json, debug });
    return interrupt.received ? SIGNAL_EXIT_CODE[interrupt.received] : code;
  } finally {
    process.off('uncaughtException', onCrash);
  }
}
