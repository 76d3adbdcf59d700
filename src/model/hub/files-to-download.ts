import type { ModelVariant } from '../variants.js';
import type { HubFile } from './list-repo.js';

const TEXT_FILES = [
  'config.json',
  'generation_config.json',
  'genai_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * What one variant needs, in the order of downloading: weights before the graph that points to them and the
 * configuration last, so that whatever an interruption leaves behind is not taken for a model.
 */
export function filesToDownload(files: readonly HubFile[], variant: ModelVariant): HubFile[] {
  const prefix = variant.configFolder === '' ? '' : `${variant.configFolder}/`;
  const stem = variant.file.replace(/\.onnx$/, '');
  const isWeights = ({ path }: HubFile) =>
    path !== variant.file && path.startsWith(`${stem}.`) && /\.(onnx[._]data(_\d+)?|data)$/.test(path);
  const texts = TEXT_FILES.map((name) => files.find(({ path }) => path === prefix + name)).filter(
    (file) => file !== undefined,
  );
  return [...files.filter(isWeights), ...files.filter(({ path }) => path === variant.file), ...texts.reverse()];
}
