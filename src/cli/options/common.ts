import type { OptionSpec } from './option.js';
import { choice, flag, integer, optional, text } from './option-types.js';

/** Options that several commands share. */

const loadShape = async () => (await import('../../prefill/options.js')).loadShape;

const MODEL = 'Model:';
export const OUTPUT_GROUP = 'Output:';

export const outputOptions = {
  json: {
    flags: '--json',
    help: 'print the result as one JSON object on stdout',
    group: OUTPUT_GROUP,
    example: '--json',
    schema: flag,
  },
  quiet: {
    flags: '--quiet',
    help: 'print neither progress nor notes',
    group: OUTPUT_GROUP,
    example: '--quiet',
    schema: flag,
  },
  debug: {
    flags: '--debug',
    help: 'show the stack of an error',
    group: OUTPUT_GROUP,
    example: '--debug',
    schema: flag,
  },
} satisfies Record<string, OptionSpec>;

export const modelOption: OptionSpec<string | undefined> = {
  flags: '--model <folder|id>',
  help: 'folder with an ONNX decoder and its tokenizer, or a Hugging Face Hub id (default: the embedded model)',
  group: MODEL,
  example: '--model ./models/llama-3.2-1b',
  schema: optional(text(async () => (await import('../../utils/option-schemas.js')).modelSource)),
};

export const variantOption: OptionSpec<string | undefined> = {
  flags: '--variant <name>',
  help: 'which of the folder’s ONNX files: q4 means model_q4.onnx (default: the unquantised one, else the only one)',
  group: MODEL,
  example: '--variant q4',
  schema: optional(text(async () => (await loadShape()).variant)),
};

const runtimeOptions = {
  device: {
    flags: '--device <name>',
    help: 'auto, cpu or cuda; auto takes the GPU where one is usable, else the CPU, and says why',
    default: 'auto',
    group: MODEL,
    example: '--device cpu',
    schema: choice(async () => (await loadShape()).device),
  },
  deviceId: {
    flags: '--device-id <n>',
    help: 'which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; asks for CUDA (default: 0)',
    group: MODEL,
    example: '--device-id 1',
    schema: optional(integer(async () => (await loadShape()).deviceId)),
  },
  threads: {
    flags: '--threads <n>',
    help: 'CPU threads (default: the physical cores this process may use)',
    group: MODEL,
    example: '--threads 4',
    schema: optional(integer(async () => (await loadShape()).threads)),
  },
} satisfies Record<string, OptionSpec>;

export const loadOptions = { model: modelOption, variant: variantOption, ...runtimeOptions } satisfies Record<
  string,
  OptionSpec
>;

export const seedOption: OptionSpec<number> = {
  flags: '--seed <n>',
  help: 'seed of everything random: the same seed gives the same result',
  default: '0',
  example: '--seed 7',
  schema: integer(async () => (await import('../../utils/option-schemas.js')).seed),
};
