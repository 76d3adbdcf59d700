import { defineCommand } from '../../command-spec.js';
import { checkedText } from '../../options/option-types.js';
import { EVAL, evalOptions, haystackOption, tasksOption } from './options.js';

const options = {
  ...evalOptions({
    lengths: '2k,4k,8k,16k',
    samples: { help: 'prompts per task, length and depth', default: '1' },
    methods: 'dense,a_shape,minference',
    out: 'eval-niah',
  }),
  depths: {
    flags: '--depths <n|list>',
    help: 'places of the needle: a number of them, spread evenly from the start of the text to its end, or percentages',
    default: '5',
    group: EVAL,
    example: '--depths 0,50,100',
    schema: checkedText(async (depths) => (await import('../../../eval/niah/parse-depths.js')).parseDepths(depths)),
  },
  tasks: tasksOption(
    'what is hidden in the text: tasks and groups such as single, multikey, multivalue, kv, original, minference (default: single,multikey,kv)',
    'single,kv',
    async (names) => {
      const [{ parseTasks }, { NIAH_CHOICE }] = await Promise.all([
        import('../../../eval/parse-tasks.js'),
        import('../../../eval/niah/tasks.js'),
      ]);
      return parseTasks(names, NIAH_CHOICE);
    },
  ),
  haystack: haystackOption,
};

export const evalNiahCommand = defineCommand({
  name: 'eval niah',
  summary: 'needle-in-a-haystack accuracy per length, depth and method',
  description:
    'Hides facts in long texts, asks for them, and compares sparse prefill with dense attention: a table per length and ' +
    'method, a folder of results with every prediction, and heat maps of depth × length.',
  options,
  examples: [
    { command: 'eval niah --patterns patterns.json', does: 'lengths 2k to 16k, three tasks, three methods' },
    { command: 'eval niah --lengths 2k,4k --tasks single --samples 4', does: 'a quick look' },
    {
      command: 'eval niah --methods dense,minference --depths 10 --out niah-q4 --variant q4',
      does: 'a finer heat map',
    },
    { command: 'eval niah --json --quiet > table.json', does: 'for programs' },
  ],
  afterInterrupt: 'run the same command again: answers that were finished before, if any, are kept',
  load: async () => {
    const [{ evalRun }, { evaluateNiah }] = await Promise.all([
      import('./run.js'),
      import('../../../eval/evaluate.js'),
    ]);
    return evalRun<typeof options>(evaluateNiah);
  },
});
