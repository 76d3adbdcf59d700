import { join } from 'node:path';
import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import type { ModelConfig } from './config.js';
import { parseGenaiConfig } from './genai-config.js';
import { MAX_CONFIG_BYTES } from './limits.js';
import { readModelText } from './read-text.js';
import { parseTransformersConfig } from './transformers-config.js';

const read = (path: string) => readModelText(path, { maxBytes: MAX_CONFIG_BYTES, code: 'MODEL_INVALID' });

/** A folder's configuration, whichever of the two files it has; config.json has precedence. */
export interface ReadConfig {
  layout: 'transformers' | 'genai';
  config: ModelConfig;
  /** The file's text, unchanged: part of the model's fingerprint. */
  configText: string;
  /** The .onnx file that genai_config.json names. */
  preferredFile?: string;
}

/** @throws MinferenceError MODEL_INVALID naming file and field; MODEL_NOT_FOUND when there is no configuration */
export async function readModelConfig(folder: string): Promise<ReadConfig> {
  const [configFile, genaiFile] = [join(folder, 'config.json'), join(folder, 'genai_config.json')];
  const [configText, genaiText] = await Promise.all([read(configFile), read(genaiFile)]);
  const genai = genaiText === undefined ? undefined : parseGenaiConfig(genaiText, genaiFile);
  if (configText !== undefined) {
    const generationFile = join(folder, 'generation_config.json');
    const generationText = await read(generationFile);
    const config = parseTransformersConfig(
      configText,
      configFile,
      generationText === undefined ? undefined : { text: generationText, file: generationFile },
    );
    return { layout: 'transformers', config, configText, ...defined({ preferredFile: genai?.filename }) };
  }
  if (genai) return { layout: 'genai', config: genai.config, configText: genaiText!, preferredFile: genai.filename };
  throw new MinferenceError('MODEL_NOT_FOUND', `${folder}: expected config.json or genai_config.json, found neither`, {
    hint: 'Give the folder that the exporter wrote, with the configuration and the tokenizer beside the ONNX file.',
  });
}
