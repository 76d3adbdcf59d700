import { defineCommand } from '../../command-spec.js';
import { flag, integer, optional, path } from '../../options/option-types.js';
import {
  budgetOptions,
  chunkOption,
  EVAL,
  lengthsOption,
  methodsOption,
  modelAndPatterns,
  outOptions,
} from './options.js';

const shape = async () => (await import('../../../eval/latency/options.js')).latencyShape;

const options = {
  ...modelAndPatterns,
  lengths: lengthsOption('tokens of the prompts (default: those of 1k,2k,4k,8k,16k that the model takes)'),
  rounds: {
    flags: '--rounds <n>',
    help: 'timed prefills of each length and method',
    default: '5',
    group: EVAL,
    example: '--rounds 9',
    schema: integer(async () => (await shape()).rounds),
  },
  methods: methodsOption('dense,minference'),
  ...budgetOptions,
  text: {
    flags: '--text <file>',
    help: 'text that the prompts are made of (default: the essays in datasets/haystack)',
    group: EVAL,
    example: '--text novel.txt',
    schema: optional(path),
  },
  chunk: chunkOption,
  allowDense: {
    flags: '--no-allow-dense',
    help: 'compute every head as its pattern says, also where dense attention is as fast',
    group: EVAL,
    example: '--no-allow-dense',
    schema: flag,
  },
  ...outOptions('eval-latency'),
};

export const evalLatencyCommand = defineCommand({
  name: 'eval latency',
  summary: 'time to first token per length and method, and from which length on sparse is faster',
  description:
    'Prefills the same text with every method, in turns and against dense attention in the same run: medians with the ' +
    'fastest and the slowest, where the time goes, memory, and the length from which on a method is faster.',
  options,
  examples: [
    { command: 'eval latency', does: 'dense and the pattern file at 1k to 16k, five rounds' },
    { command: 'eval latency --lengths 32k,64k,128k --device cuda --rounds 9', does: 'long prompts on a GPU' },
  ],
  afterInterrupt: 'run the same command again: runs that were finished before, if any, are kept',
  load: async () => (await import('./run-latency.js')).runEvalLatency,
});
