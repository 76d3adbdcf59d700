import type { ModelConfig } from './config.js';

/** A model found on disk: where its parts are and what its configuration says. Nothing heavy is loaded yet. */
export interface ModelDirectory {
  /** Hub id, or the folder's name. */
  id: string;
  /** Absolute folder of configuration and tokenizer. */
  folder: string;
  /** Absolute path of the .onnx file. */
  modelPath: string;
  /** Name of the chosen .onnx file among `variants`. */
  variant: string;
  variants: string[];
  /** Absolute paths of the .onnx files, in the order of `variants`. */
  variantPaths: string[];
  layout: 'transformers' | 'genai';
  config: ModelConfig;
  /** Text of config.json or genai_config.json. */
  configText: string;
}
