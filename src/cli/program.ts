import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { packageVersion } from '../utils/package-version.js';
import type { CommandSpec } from './command-spec.js';
import { evalInfiniteBenchCommand } from './commands/eval/infinitebench.js';
import { evalLatencyCommand } from './commands/eval/latency.js';
import { evalMergeCommand } from './commands/eval/merge.js';
import { evalNiahCommand } from './commands/eval/niah.js';
import { evalPplCommand } from './commands/eval/ppl.js';
import { evalReportCommand } from './commands/eval/report.js';
import { evalRulerCommand } from './commands/eval/ruler.js';
import { inspectCommand } from './commands/inspect/spec.js';
import { prefillCommand } from './commands/prefill/spec.js';
import { searchCommand } from './commands/search/spec.js';
import { OUTPUT_GROUP, outputOptions } from './options/common.js';
import { type OptionSpec, optionKey, type RawValue } from './options/option.js';

const MAX_HELP_WIDTH = 110;

const commands: CommandSpec[] = [
  searchCommand,
  prefillCommand,
  evalNiahCommand,
  evalRulerCommand,
  evalInfiniteBenchCommand,
  evalPplCommand,
  evalLatencyCommand,
  evalMergeCommand,
  evalReportCommand,
  inspectCommand,
];

/** Commands of two words hang below one of these. */
const groups: Record<string, string> = { eval: 'measure accuracy and time against dense attention' };

export type RunAction = (
  spec: CommandSpec,
  raw: Record<string, RawValue>,
  operands: readonly string[],
) => Promise<void>;

function examplesText(examples: CommandSpec['examples']): string {
  const lines = examples.flatMap(({ command, does }) => [
    `  ${styleText('dim', `# ${does}`)}`,
    `  minference ${command}`,
  ]);
  return ['', styleText('bold', 'Examples:'), ...lines].join('\n');
}

function toCommanderOption(spec: OptionSpec): Option {
  const help = spec.default === undefined ? spec.help : `${spec.help} (default: ${spec.default})`;
  const option = new Option(spec.flags, help);
  return spec.group === undefined ? option : option.helpGroup(spec.group);
}

function addOptions(command: Command, specs: Record<string, OptionSpec>): void {
  for (const [key, spec] of Object.entries(specs)) {
    if (optionKey(spec.flags) !== key) throw new Error(`option ${spec.flags} is declared under the key ${key}`);
    command.addOption(toCommanderOption(spec));
    // The positive form of a --no- option is accepted too, so that scripts can say what they mean.
    if (spec.flags.startsWith('--no-')) command.addOption(new Option(spec.flags.replace('--no-', '--')).hideHelp());
  }
}

function parentOf(program: Command, words: string[]): Command {
  return words.reduce((parent, word) => {
    const existing = parent.commands.find((command) => command.name() === word);
    return (
      existing ??
      configure(
        parent
          .command(word)
          .summary(groups[word] ?? '')
          .description(groups[word] ?? ''),
      )
    );
  }, program);
}

function addCommand(program: Command, spec: CommandSpec, run: RunAction): void {
  const words = spec.name.split(' ');
  const command = configure(parentOf(program, words.slice(0, -1)).command(words.at(-1)!));
  command.summary(spec.summary).description(spec.description).allowExcessArguments(false);
  addOptions(command, spec.options);
  addOptions(command, outputOptions);
  command.addHelpOption(new Option('-h, --help', 'show this help').helpGroup(OUTPUT_GROUP));
  command.addHelpText('after', examplesText(spec.examples));
  if (spec.operands) command.argument(`<${spec.operands.name}...>`, spec.operands.help);
  command.action((...values: unknown[]) => {
    const operands = spec.operands ? (values[0] as string[]) : [];
    return run(spec, values[spec.operands ? 1 : 0] as Record<string, RawValue>, operands);
  });
}

/** Settings that commander does not hand down to subcommands by itself. */
function configure(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .configureHelp({
      helpWidth: Math.min(process.stdout.columns || 80, MAX_HELP_WIDTH),
      styleTitle: (title) => styleText('bold', title),
      subcommandTerm: (subcommand) => subcommand.name(),
    });
}

/**
 * The commander program. Building it loads no command's implementation: `--help` stays fast and works without the
 * native part.
 */
export function buildProgram(run: RunAction): Command {
  const program = configure(new Command('minference'))
    .description(
      'Fast prefill of long prompts on ONNX decoders: search sparse attention patterns, use them, measure them.',
    )
    .version(packageVersion(), '-V, --version', 'show the version')
    .addHelpText(
      'after',
      examplesText([
        { command: 'search', does: 'choose patterns for the embedded model and write patterns.json' },
        { command: 'prefill --patterns patterns.json --prompt-file book.txt', does: 'answer a long prompt with them' },
        { command: 'search --help', does: 'every command explains its options and shows examples' },
      ]),
    );
  for (const spec of commands) addCommand(program, spec, run);
  program.helpCommand('help [command]', 'show the help of a command');
  return program;
}
