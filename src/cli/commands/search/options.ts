import { parseTokenCount } from '../../../utils/parse-size.js';
import { loadOptions, seedOption } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';
import { checkedText, choice, flag, integer, optional, parsedText, path } from '../../options/option-types.js';

const shape = async () => (await import('../../../../search/options.js')).searchSchema.shape;

const SEARCH = 'Search:';

export const searchOptions = {
  ...loadOptions,
  out: {
    flags: '--out <file>',
    help: 'pattern file to write; a map of layers × heads is written beside it as .svg',
    default: 'patterns.json',
    group: SEARCH,
    example: '--out configs/my-model.json',
    schema: path,
  },
  length: {
    flags: '--length <tokens>',
    help: 'tokens of the calibration prompts (default: 8k, or what the model takes where that is less)',
    group: SEARCH,
    example: '--length 16k',
    schema: optional(parsedText(parseTokenCount)),
  },
  budget: {
    flags: '--budget <spec>',
    help:
      'cost of a head: a share of dense causal FLOPs at this length (20%), the cost of an A-shape head ' +
      '(a_shape:1024,4096 is the paper’s), or FLOPs (1.7gflops)',
    default: '20%',
    group: SEARCH,
    example: '--budget 20%',
    schema: checkedText(async (spec) => (await import('../../../../search/budget.js')).parseBudget(spec)),
  },
  calibration: {
    flags: '--calibration <sets>',
    help:
      'calibration prompts: kv (key-value retrieval, the paper’s); needle, vt, words, qa (tasks in RULER’s formats); ' +
      'file:<path> (a text of yours); comma-separated',
    default: 'kv',
    group: SEARCH,
    example: '--calibration kv,vt,file:notes.txt',
    schema: checkedText(async (sets) => (await import('../../../../search/calibration.js')).parseCalibration(sets)),
  },
  samples: {
    flags: '--samples <n>',
    help: 'prompts per calibration set',
    default: '1',
    group: SEARCH,
    example: '--samples 2',
    schema: integer(async () => (await shape()).samples),
  },
  objective: {
    flags: '--objective <name>',
    help: 'what a pattern must keep: answer (rows of the question), output (all rows, the paper’s), ' + 'both, or mass',
    default: 'answer',
    group: SEARCH,
    example: '--objective output',
    schema: choice(async () => (await shape()).objective),
  },
  seed: { ...seedOption, group: SEARCH },
  resume: {
    flags: '--no-resume',
    help: 'start over even if an interrupted search of the same options can be continued',
    group: SEARCH,
    example: '--no-resume',
    schema: flag,
  },
} satisfies Record<string, OptionSpec>;
