import { parseTokenCount, parseTokenCounts } from '../../../utils/parse-size.js';
import { loadOptions, seedOption } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';
import { checkedText, flag, integer, optional, parsedText, path } from '../../options/option-types.js';
import { patternOptions } from '../../options/pattern-options.js';

const shape = async () => (await import('../../../eval/niah/options.js')).evaluateSchema.shape;

const EVAL = 'Evaluation:';

export const evalNiahOptions = {
  ...loadOptions,
  ...patternOptions(
    EVAL,
    'pattern file of the method minference, or auto: the file in configs/ that was made for this model',
  ),
  lengths: {
    flags: '--lengths <list>',
    help: 'lengths of prompt and answer in tokens (default: those of 2k,4k,8k,16k that the model takes)',
    group: EVAL,
    example: '--lengths 2k,4k',
    schema: optional(parsedText(parseTokenCounts)),
  },
  depths: {
    flags: '--depths <n|list>',
    help: 'places of the needle: a number of them, spread evenly from the start of the text to its end, or percentages',
    default: '5',
    group: EVAL,
    example: '--depths 0,50,100',
    schema: checkedText(async (depths) => (await import('../../../eval/niah/parse-depths.js')).parseDepths(depths)),
  },
  samples: {
    flags: '--samples <n>',
    help: 'prompts per task, length and depth',
    default: '1',
    group: EVAL,
    example: '--samples 4',
    schema: integer(async () => (await shape()).samples),
  },
  tasks: {
    flags: '--tasks <list>',
    help: 'what is hidden in the text: tasks and groups such as single, multikey, multivalue, kv',
    default: 'single,multikey,kv',
    group: EVAL,
    example: '--tasks single,kv',
    schema: checkedText(async (names) => (await import('../../../eval/niah/parse-tasks.js')).parseTasks(names)),
  },
  methods: {
    flags: '--methods <list>',
    help:
      'attention to compare: dense, minference (the pattern file) or minference:<file>, a_shape or ' +
      'a_shape:<sink>,<window>, vertical_slash:<columns>,<diagonals>, block_sparse or block_sparse:<blocks>',
    default: 'dense,a_shape,minference',
    group: EVAL,
    example: '--methods dense,minference',
    schema: checkedText(async (names) => (await import('../../../eval/methods/parse-methods.js')).parseMethods(names)),
  },
  haystack: {
    flags: '--haystack <file>',
    help: 'text to hide the needles in (default: the essays in datasets/haystack)',
    group: EVAL,
    example: '--haystack novel.txt',
    schema: optional(path),
  },
  chunk: {
    flags: '--chunk <tokens>',
    help: 'prefill in pieces of this many tokens (default: as many as memory allows)',
    group: EVAL,
    example: '--chunk 8k',
    schema: optional(parsedText(parseTokenCount)),
  },
  seed: { ...seedOption, group: EVAL },
  out: {
    flags: '--out <file>',
    help: 'results with every prediction; heat maps are written beside it as .svg',
    default: 'niah.json',
    group: EVAL,
    example: '--out results/niah.json',
    schema: path,
  },
  resume: {
    flags: '--no-resume',
    help: 'start over even if an interrupted evaluation of the same options can be continued',
    group: EVAL,
    example: '--no-resume',
    schema: flag,
  },
} satisfies Record<string, OptionSpec>;
