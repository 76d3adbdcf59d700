import { defineCommand } from '../../command-spec.js';
import { evalNiahOptions } from './options.js';

export const evalNiahCommand = defineCommand({
  name: 'eval niah',
  summary: 'needle-in-a-haystack accuracy per length, depth and method',
  description:
    'Hides facts in long texts, asks for them, and compares sparse prefill with dense attention: a table per length and ' +
    'method, a results file with every prediction, and heat maps of depth × length.',
  options: evalNiahOptions,
  examples: [
    { command: 'eval niah --patterns patterns.json', does: 'lengths 2k to 16k, three tasks, three methods' },
    { command: 'eval niah --lengths 2k,4k --tasks single --samples 4', does: 'a quick look' },
    {
      command: 'eval niah --methods dense,minference --depths 10 --out niah-q4.json --variant q4',
      does: 'a finer heat map',
    },
    { command: 'eval niah --json --quiet > table.json', does: 'for programs' },
  ],
  afterInterrupt: 'run the same command again: answers that were finished before, if any, are kept',
  load: async () => (await import('./run.js')).runEvalNiahCommand,
});
