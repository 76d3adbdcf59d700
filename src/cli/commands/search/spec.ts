import { defineCommand } from '../../command-spec.js';
import { searchOptions } from './options.js';

export const searchCommand = defineCommand({
  name: 'search',
  summary: 'choose a sparse attention pattern for every head and write a pattern file',
  description:
    'Runs calibration prompts through the model, measures for every attention head how much of the dense output each ' +
    'sparse pattern of equal cost keeps, and writes the best ones to a pattern file.',
  options: searchOptions,
  examples: [
    { command: 'search', does: 'the embedded model, 8,192 tokens, 20 % of dense cost → patterns.json' },
    { command: 'search --budget 10% --length 16k --out fast.json', does: 'half the cost, calibrated at 16,384 tokens' },
    { command: 'search --budget a_shape:1024,4096 --length 30000', does: 'the cost the paper searched with' },
    { command: 'search --model ./llama-3.2-1b --variant q4 --out llama.json', does: 'a model of your own' },
    { command: 'search --json --quiet | jq .layers', does: 'for programs' },
  ],
  afterInterrupt: 'run the same command again: calibration prompts that were finished before, if any, are kept',
  load: async () => (await import('./run.js')).runSearchCommand,
});
