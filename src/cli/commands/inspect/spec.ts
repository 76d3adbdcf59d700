import { defineCommand } from '../../command-spec.js';
import { modelOption, variantOption } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';

const model: OptionSpec<string | true | undefined> = {
  ...modelOption,
  flags: '--model [folder|id]',
  help: 'inspect a model too: a folder, an .onnx file or a Hub id; without a value the embedded model',
  schema: (z) =>
    z.union([z.literal(true), z.string().min(1)], { error: 'expected a folder or a Hub id' }).optional() as never,
};

export const inspectOptions = { model, variant: variantOption } satisfies Record<string, OptionSpec>;

export const inspectCommand = defineCommand({
  name: 'inspect',
  summary: 'show what this machine and, with --model, a model can do',
  description:
    'Shows versions, CPU features, the native build and the GPU with what is missing and how to get it. With --model: ' +
    'every attention node, its shape, and whether it can be made sparse.',
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
