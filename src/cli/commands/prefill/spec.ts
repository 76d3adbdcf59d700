import { defineCommand } from '../../command-spec.js';
import { prefillOptions } from './options.js';

export const prefillCommand = defineCommand({
  name: 'prefill',
  summary: 'answer one long prompt with sparse prefill and show where the time went',
  description:
    'Prefills the prompt with the patterns of a file (the decode steps are dense), prints the answer on stdout and the ' +
    'timing split on stderr.',
  options: prefillOptions,
  examples: [
    { command: 'prefill --patterns patterns.json --prompt-file book.txt', does: 'answer a long prompt' },
    {
      command: 'prefill --patterns patterns.json --prompt-file book.txt --compare dense',
      does: 'what sparsity costs and buys',
    },
    {
      command: 'prefill --patterns dense --prompt "Who wrote Emma?" --max-new-tokens 16',
      does: 'plain dense attention',
    },
    { command: 'prefill --json --quiet < book.txt | jq -r .text', does: 'stdin, for programs' },
  ],
  afterInterrupt: 'nothing was kept: run the command again',
  load: async () => (await import('./run.js')).runPrefillCommand,
});
