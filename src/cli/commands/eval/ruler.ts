import { defineCommand } from '../../command-spec.js';
import { choice, optional, path } from '../../options/option-types.js';
import { EVAL, evalOptions, haystackOption, skipBadOption, tasksOption } from './options.js';

const ownShape = async () => (await import('../../../eval/ruler/options.js')).rulerSchema.shape;

const options = {
  ...evalOptions({
    lengths: '4k,8k,16k',
    samples: { help: 'prompts per task and length', default: '10' },
    methods: 'dense,minference',
    out: 'eval-ruler',
  }),
  tasks: tasksOption(
    'tasks and groups of them, such as niah, single, vt, aggregation, qa (default: all thirteen)',
    'niah,vt',
    async (names) => {
      const [{ parseTasks }, { RULER_CHOICE }] = await Promise.all([
        import('../../../eval/parse-tasks.js'),
        import('../../../eval/ruler/tasks.js'),
      ]);
      return parseTasks(names, RULER_CHOICE);
    },
  ),
  era: {
    flags: '--era <year>',
    help: 'rules of the prompts: those since May 2025, or those of the paper, 2024 (default: 2025)',
    group: EVAL,
    example: '--era 2024',
    schema: optional(choice(async () => (await ownShape()).era)),
  },
  haystack: haystackOption,
  qa1: {
    flags: '--qa1 <file>',
    help: 'your copy of SQuAD (dev-v2.0.json) for qa_1 (default: the questions in datasets/qa)',
    group: EVAL,
    example: '--qa1 dev-v2.0.json',
    schema: optional(path),
  },
  qa2: {
    flags: '--qa2 <file>',
    help: 'your copy of HotpotQA (dev, distractor) for qa_2 (default: the questions in datasets/qa)',
    group: EVAL,
    example: '--qa2 hotpot_dev_distractor_v1.json',
    schema: optional(path),
  },
  data: {
    flags: '--data <path>',
    help: 'prompts that RULER’s own program made, of one length: a .jsonl file of a task, or a folder of them',
    group: EVAL,
    example: '--data ruler/4096/data --lengths 4k',
    schema: optional(path),
  },
  skipBad: skipBadOption,
};

export const evalRulerCommand = defineCommand({
  name: 'eval ruler',
  summary: 'RULER’s thirteen tasks: accuracy per length and method, and the effective length',
  description:
    'Asks RULER’s thirteen tasks in prompts of the given lengths, with every method, and compares the answers with those ' +
    'of dense attention: scores with 95 % intervals, paired differences, and the longest length that is mastered.',
  options,
  examples: [
    { command: 'eval ruler', does: 'thirteen tasks at 4k, 8k and 16k, dense and with the pattern file' },
    { command: 'eval ruler --lengths 4k --tasks vt,cwe,fwe --samples 20', does: 'some tasks, more prompts' },
    { command: 'eval ruler --samples 50 --shard 1/4 --out ruler', does: 'a quarter of a long run' },
    { command: 'eval ruler --data ruler/4096/data --lengths 4k --samples 500', does: 'prompts that are there already' },
  ],
  afterInterrupt: 'run the same command again: answers that were finished before, if any, are kept',
  load: async () => {
    const [{ evalRun }, { evaluateRuler }] = await Promise.all([
      import('./run.js'),
      import('../../../eval/evaluate.js'),
    ]);
    return evalRun<typeof options>(evaluateRuler);
  },
});
