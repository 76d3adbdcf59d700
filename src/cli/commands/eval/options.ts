import { parseTokenCount, parseTokenCounts } from '../../../utils/parse-size.js';
import { loadOptions, seedOption } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';
import { checkedText, flag, integer, optional, parsedText, path } from '../../options/option-types.js';
import { patternOptions } from '../../options/pattern-options.js';

export const EVAL = 'Evaluation:';

const shape = async () => (await import('../../../eval/run-options.js')).suiteShape;

/** Options of every evaluation, with what differs between them. */
export const evalOptions = (own: {
  lengths: string;
  samples: { help: string; default: string };
  methods: string;
  out: string;
}) =>
  ({
    ...loadOptions,
    ...patternOptions(
      EVAL,
      'pattern file of the method minference, or auto: the file in configs/ that was made for this model',
    ),
    lengths: {
      flags: '--lengths <list>',
      help: `lengths of prompt and answer in tokens (default: those of ${own.lengths} that the model takes)`,
      group: EVAL,
      example: '--lengths 2k,4k',
      schema: optional(parsedText(parseTokenCounts)),
    },
    samples: {
      flags: '--samples <n>',
      ...own.samples,
      group: EVAL,
      example: '--samples 4',
      schema: integer(async () => (await shape()).samples),
    },
    methods: {
      flags: '--methods <list>',
      help:
        'attention to compare: dense, minference (the pattern file) or minference:<file>, a_shape or ' +
        'a_shape:<sink>,<window>, vertical_slash:<columns>,<diagonals>, block_sparse or block_sparse:<blocks>',
      default: own.methods,
      group: EVAL,
      example: '--methods dense,minference',
      schema: checkedText(async (names) =>
        (await import('../../../eval/methods/parse-methods.js')).parseMethods(names),
      ),
    },
    chunk: {
      flags: '--chunk <tokens>',
      help: 'prefill in pieces of this many tokens (default: as many as memory allows)',
      group: EVAL,
      example: '--chunk 8k',
      schema: optional(parsedText(parseTokenCount)),
    },
    allowDense: {
      flags: '--allow-dense',
      help: 'let heads run dense where that is as fast, as prefill does: scores then say less about the method',
      group: EVAL,
      example: '--allow-dense',
      schema: flag,
    },
    seed: { ...seedOption, group: EVAL },
    shard: {
      flags: '--shard <i/n>',
      help: 'do one of n parts, on this or another machine; "minference eval merge" puts them together',
      group: EVAL,
      example: '--shard 2/8',
      schema: optional(checkedText(async (text) => (await import('../../../eval/harness/shard.js')).parseShard(text))),
    },
    out: {
      flags: '--out <folder>',
      help: 'folder for results.json, predictions.jsonl and pictures; what is finished there is not done again',
      default: own.out,
      group: EVAL,
      example: `--out results/${own.out}`,
      schema: path,
    },
    resume: {
      flags: '--no-resume',
      help: 'start over even if an evaluation of the same options can be continued',
      group: EVAL,
      example: '--no-resume',
      schema: flag,
    },
  }) satisfies Record<string, OptionSpec>;

export const haystackOption: OptionSpec<string | undefined> = {
  flags: '--haystack <file>',
  help: 'text to hide the needles in (default: the essays in datasets/haystack)',
  group: EVAL,
  example: '--haystack novel.txt',
  schema: optional(path),
};

export const skipBadOption: OptionSpec<boolean> = {
  flags: '--skip-bad',
  help: 'leave broken lines of --data out, and tell of each, instead of refusing the file',
  group: EVAL,
  example: '--skip-bad',
  schema: flag,
};

/** Names of tasks, checked by the evaluation's own list. */
export const tasksOption = (
  help: string,
  example: string,
  check: (names: string) => Promise<unknown>,
): OptionSpec<string | undefined> => ({
  flags: '--tasks <list>',
  help,
  group: EVAL,
  example: `--tasks ${example}`,
  schema: optional(checkedText(check)),
});
