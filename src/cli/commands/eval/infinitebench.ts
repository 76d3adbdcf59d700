import { defineCommand } from '../../command-spec.js';
import { optional, path } from '../../options/option-types.js';
import { EVAL, evalOptions, skipBadOption, tasksOption } from './options.js';

const options = {
  ...evalOptions({
    lengths: '16k',
    samples: { help: 'prompts per task and length; of a file, the first ones', default: '10' },
    methods: 'dense,minference',
    out: 'eval-infinitebench',
  }),
  tasks: tasksOption(
    'tasks and groups of them: generated, english, code, all (default: generated; with --data all)',
    'passkey,kv',
    async (names) => {
      const [{ parseTasks }, { INFINITEBENCH_CHOICE }] = await Promise.all([
        import('../../../eval/parse-tasks.js'),
        import('../../../eval/infinitebench/tasks.js'),
      ]);
      return parseTasks(names, INFINITEBENCH_CHOICE);
    },
  ),
  data: {
    flags: '--data <folder>',
    help: 'your copy of InfiniteBench, <task>.jsonl, for the tasks that are no program’s to make',
    group: EVAL,
    example: '--data InfiniteBench',
    schema: optional(path),
  },
  skipBad: skipBadOption,
};

export const evalInfiniteBenchCommand = defineCommand({
  name: 'eval infinitebench',
  summary: 'InfiniteBench: pass keys, numbers and key-value pairs, and with your copy its books, dialogues and code',
  description:
    'Asks InfiniteBench’s tasks with every method. Texts that are longer than --lengths lose their middle, as in the ' +
    'benchmark. Four tasks are made by this program; the others are read from your copy.',
  options,
  examples: [
    { command: 'eval infinitebench', does: 'the four generated tasks at 16k' },
    { command: 'eval infinitebench --data InfiniteBench --lengths 128k --samples 100', does: 'all twelve tasks' },
  ],
  afterInterrupt: 'run the same command again: answers that were finished before, if any, are kept',
  load: async () => {
    const [{ evalRun }, { evaluateInfiniteBench }] = await Promise.all([
      import('./run.js'),
      import('../../../eval/evaluate.js'),
    ]);
    return evalRun<typeof options>(evaluateInfiniteBench);
  },
});
