import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MinferenceError } from '../../src/errors.js';
import { buildDecoder } from './build-decoder.js';
import { genaiConfig, generationConfig, transformersConfig } from './model-configs.js';
import { type DecoderSpec, type DecoderStyle, resolveSpec } from './spec.js';
import { TINY_VOCAB_SIZE, tinyTokenizer } from './tiny-tokenizer.js';
import { writeModelFile } from './write-model-file.js';

/**
 * How exporters lay out a model: `genai` is flat with genai_config.json and no config.json, the chat template in a file;
 * `transformers` has config.json and `onnx/<variant>.onnx`; `optimum` has config.json with model.onnx beside it.
 */
export type ModelLayout = 'genai' | 'transformers' | 'optimum';

export interface WriteModelDirectoryOptions {
  /** Default: what the style's exporter writes. */
  layout?: ModelLayout;
  /** Name of the ONNX file without extension (default `model`); several calls make several variants. */
  variant?: string;
}

/** External data's file name in each layout. */
const DATA_SUFFIX: Record<ModelLayout, string> = {
  genai: '.onnx.data',
  transformers: '.onnx_data',
  optimum: '.onnx_data',
};

/** The layout that a style's exporter writes. */
const LAYOUTS: Record<DecoderStyle, ModelLayout> = {
  genai: 'genai',
  mha: 'genai',
  optimum: 'optimum',
  attention23: 'transformers',
};

/**
 * Writes a runnable model directory with a byte-level tokenizer; weights go to an external file unless the spec says
 * `externalData: false`.
 *
 * @returns path of the ONNX file
 * @throws MinferenceError USAGE when the vocabulary is too small for the tokenizer
 */
export async function writeModelDirectory(
  folder: string,
  spec: DecoderSpec,
  { layout = LAYOUTS[spec.style ?? 'genai'], variant = 'model' }: WriteModelDirectoryOptions = {},
): Promise<string> {
  const externalData = spec.externalData ?? { location: variant + DATA_SUFFIX[layout] };
  const shape = resolveSpec({ ...spec, externalData });
  if (shape.vocabSize < TINY_VOCAB_SIZE) {
    throw new MinferenceError(
      'USAGE',
      `decoder builder: expected a vocabulary of at least ${TINY_VOCAB_SIZE} for the byte tokenizer, found ${shape.vocabSize}`,
    );
  }
  const built = buildDecoder({ ...spec, externalData });
  const modelPath = join(folder, layout === 'transformers' ? 'onnx' : '', `${variant}.onnx`);
  await writeModelFile(modelPath, built);

  await mkdir(folder, { recursive: true });
  const write = (name: string, value: object) => writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  const { tokenizer, config, chatTemplate } = tinyTokenizer();
  await write('tokenizer.json', tokenizer);
  if (layout === 'genai') {
    const positionIds = built.proto.graph!.input.some(({ name }) => name === 'position_ids');
    await write('genai_config.json', genaiConfig(shape, { positionIds, sharedBuffer: shape.style === 'genai' }));
    await write('tokenizer_config.json', config);
    await writeFile(join(folder, 'chat_template.jinja'), chatTemplate);
    return modelPath;
  }
  await write('config.json', transformersConfig(shape));
  await write('generation_config.json', generationConfig());
  await write('tokenizer_config.json', { ...config, chat_template: chatTemplate });
  return modelPath;
}
