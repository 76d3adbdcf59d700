import { defineCommand } from '../../command-spec.js';
import { inspectOptions } from './options.js';

export const inspectCommand = defineCommand({
  name: 'inspect',
  summary: 'show what this machine and, with --model, a model can do',
  description:
    'Shows versions, CPU features, the native build, the GPUs with what is missing and how to get it, and the length ' +
    'from which on sparse attention was measured to be faster. With --model: ' +
    'every attention node, its shape, and whether it can be made sparse, the sizes of its variants and of its KV cache; ' +
    'the exit status is 1 for a model that cannot be used.',
  options: inspectOptions,
  examples: [
    { command: 'inspect', does: 'this machine' },
    { command: 'inspect --model', does: 'and the embedded model' },
    { command: 'inspect --model ./llama-3.2-1b', does: 'and a model folder' },
    { command: 'inspect --json | jq .native', does: 'for programs' },
  ],
  afterInterrupt: 'run the command again',
  load: async () => (await import('./run.js')).runInspectCommand,
});
