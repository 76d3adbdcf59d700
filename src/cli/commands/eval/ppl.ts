import { parseTokenCount } from '../../../utils/parse-size.js';
import { defineCommand } from '../../command-spec.js';
import { integer, optional, parsedText, path } from '../../options/option-types.js';
import {
  allowDenseOption,
  budgetOptions,
  chunkOption,
  EVAL,
  lengthsOption,
  methodsOption,
  modelAndPatterns,
  outOptions,
} from './options.js';

const shape = async () => (await import('../../../eval/ppl/options.js')).pplShape;

const options = {
  ...modelAndPatterns,
  texts: {
    flags: '--texts <folder|file>',
    help: 'documents: .txt, .md, .json or .jsonl, each also as .gz (default: the texts in datasets/haystack)',
    group: EVAL,
    example: '--texts pg19/test',
    schema: optional(path),
  },
  lengths: lengthsOption(
    'first tokens of each document that are scored; those beyond the window slide (default: those of ' +
      '1k,2k,4k,8k,16k that the model takes)',
  ),
  documents: {
    flags: '--documents <n>',
    help: 'most documents: the first ones that have the longest length',
    default: '10',
    group: EVAL,
    example: '--documents 100',
    schema: integer(async () => (await shape()).documents),
  },
  methods: methodsOption('dense,minference'),
  budgets: budgetOptions.budgets,
  window: {
    flags: '--window <tokens>',
    help: 'most tokens of one prefill (default: the model’s positions)',
    group: EVAL,
    example: '--window 8k',
    schema: optional(parsedText(parseTokenCount)),
  },
  stride: {
    flags: '--stride <tokens>',
    help: 'tokens that the window moves on by where a length is longer (default: half of it)',
    group: EVAL,
    example: '--stride 1k',
    schema: optional(parsedText(parseTokenCount)),
  },
  chunk: chunkOption,
  allowDense: allowDenseOption,
  ...outOptions('eval-ppl'),
};

export const evalPplCommand = defineCommand({
  name: 'eval ppl',
  summary: 'perplexity of long texts, per document and by token, sparse against dense',
  description:
    'Reads the first tokens of documents with every method and measures how well each token was foretold from all before ' +
    'it: PG-19’s protocol on any texts. All lengths are measured on the same documents.',
  options,
  examples: [
    { command: 'eval ppl', does: 'ten of the shipped texts at 1k to 16k' },
    { command: 'eval ppl --texts pg19/test --lengths 4k,16k,64k,100k --documents 100', does: 'your copy of PG-19' },
    { command: 'eval ppl --lengths 32k --window 4k --stride 1k', does: 'what a window of 4k foretells' },
  ],
  afterInterrupt: 'run the same command again: measurements that were finished before, if any, are kept',
  load: async () => (await import('./run-ppl.js')).runEvalPpl,
});
