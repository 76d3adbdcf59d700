import { parseShare } from '../../../utils/parse-share.js';
import { parseTokenCount, parseTokenCounts } from '../../../utils/parse-size.js';
import { loadOptions, seedOption } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';
import { checkedText, choice, flag, integer, optional, parsedText, path } from '../../options/option-types.js';
import { patternOptions } from '../../options/pattern-options.js';

export const EVAL = 'Evaluation:';

const shape = async () => (await import('../../../eval/run-options.js')).suiteShape;

/** Which methods are compared. */
export const methodsOption = (names: string): OptionSpec<string> => ({
  flags: '--methods <list>',
  help:
    'attention to compare: dense, minference (the pattern file) or minference:<file>, minference-static, a-shape, ' +
    'vertical-slash, block-sparse, streaming-llm, streaming-llm-dilated, streaming-llm-strided, tri-shape, infllm, top-k, ' +
    'flexprefill, xattention, flashprefill; with sizes, such as a-shape:128,1024, or without',
  default: names,
  group: EVAL,
  example: '--methods dense,minference',
  schema: checkedText(async (names) => (await import('../../../eval/methods/parse-methods.js')).parseMethods(names)),
});

/** What methods without sizes cost. */
export const budgetOptions = {
  budgets: {
    flags: '--budgets <whose>',
    help: 'sizes of methods without any: paper (their publications’), or as much as the pattern file may cost (default)',
    group: EVAL,
    example: '--budgets paper',
    schema: optional(choice(async () => (await import('../../../eval/methods/budgets.js')).budgetShape.budgets)),
  },
  equalCost: {
    flags: '--equal-cost <share>',
    help: 'fit methods without sizes to this share of dense at every length, as measured beforehand',
    group: EVAL,
    example: '--equal-cost 10%',
    schema: optional(parsedText(parseShare)),
  },
} satisfies Record<string, OptionSpec>;

/** Which model and patterns. */
export const modelAndPatterns = {
  ...loadOptions,
  ...patternOptions(
    EVAL,
    'pattern file of the method minference, or auto: the file in configs/ that was made for this model',
  ),
} satisfies Record<string, OptionSpec>;

export const lengthsOption = (help: string): OptionSpec<number[] | undefined> => ({
  flags: '--lengths <list>',
  help,
  group: EVAL,
  example: '--lengths 2k,4k',
  schema: optional(parsedText(parseTokenCounts)),
});

export const chunkOption: OptionSpec<number | undefined> = {
  flags: '--chunk <tokens>',
  help: 'prefill in pieces of this many tokens (default: as many as memory allows)',
  group: EVAL,
  example: '--chunk 8k',
  schema: optional(parsedText(parseTokenCount)),
};

export const allowDenseOption: OptionSpec<boolean> = {
  flags: '--allow-dense',
  help: 'let heads run dense where that is as fast, as prefill does: scores then say less about the method',
  group: EVAL,
  example: '--allow-dense',
  schema: flag,
};

const kvOption: OptionSpec<string | undefined> = {
  flags: '--kv <choice>',
  help: 'what decoding sees of the prompt: snapkv or snapkv:<tokens per head> (default: all of it)',
  group: EVAL,
  example: '--kv snapkv:2k',
  schema: optional(checkedText(async (text) => (await import('../../../eval/harness/kv-choice.js')).parseKv(text))),
};

/** Where results go, and whether those that are there are gone on with. */
export const outOptions = (folder: string) =>
  ({
    out: {
      flags: '--out <folder>',
      help: 'folder for results.json, predictions.jsonl and pictures; what is finished there is not done again',
      default: folder,
      group: EVAL,
      example: `--out results/${folder}`,
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

/** Options of every evaluation with prompts, with what differs between them. */
export const evalOptions = (own: {
  lengths: string;
  samples: { help: string; default: string };
  methods: string;
  out: string;
}) =>
  ({
    ...modelAndPatterns,
    lengths: lengthsOption(
      `lengths of prompt and answer in tokens (default: those of ${own.lengths} that the model takes)`,
    ),
    samples: {
      flags: '--samples <n>',
      ...own.samples,
      group: EVAL,
      example: '--samples 4',
      schema: integer(async () => (await shape()).samples),
    },
    methods: methodsOption(own.methods),
    ...budgetOptions,
    chunk: chunkOption,
    allowDense: allowDenseOption,
    kv: kvOption,
    seed: { ...seedOption, group: EVAL },
    shard: {
      flags: '--shard <i/n>',
      help: 'do one of n parts, on this or another machine; "minference eval merge" puts them together',
      group: EVAL,
      example: '--shard 2/8',
      schema: optional(checkedText(async (text) => (await import('../../../eval/harness/shard.js')).parseShard(text))),
    },
    ...outOptions(own.out),
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
