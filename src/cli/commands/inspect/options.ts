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
