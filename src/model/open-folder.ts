import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { MinferenceError } from '../errors.js';
import { listModelFiles } from './list-files.js';
import type { ModelDirectory } from './model-directory.js';
import { type ReadConfig, readModelConfig } from './read-config.js';
import { chooseVariant, findVariants, type ModelVariant } from './variants.js';

/** Opens a folder in any of the layouts; `id` is what patterns and reports will call the model. */
export async function openModelFolder(folder: string, id: string, wish: string | undefined): Promise<ModelDirectory> {
  if (!existsSync(folder)) {
    throw new MinferenceError('MODEL_NOT_FOUND', `expected a model in ${folder}, found no such folder`, {
      hint: 'Give --model <folder or Hub id>.',
    });
  }
  const files = await listModelFiles(folder);
  const variants = findVariants(files);
  if (variants.length === 0) throw nothingFound(folder, files);
  // The root's configuration may name the file to take; broken ones show here, before any choice.
  const root = hasConfig(files, '') ? await readModelConfig(folder) : undefined;
  const chosen = chooseVariant(variants, wish, folder, root?.preferredFile);
  const config = chosen.configFolder === '' && root ? root : await readModelConfig(join(folder, chosen.configFolder));
  return describe(folder, id, chosen, variants, config);
}

/** Opens the model that an .onnx file belongs to; its configuration is beside it or one folder up. */
export async function openModelFile(path: string, id: string, wish: string | undefined): Promise<ModelDirectory> {
  const folder = [dirname(path), dirname(dirname(path))].find((candidate) =>
    ['config.json', 'genai_config.json'].some((name) => existsSync(join(candidate, name))),
  );
  if (folder === undefined) {
    throw new MinferenceError(
      'MODEL_NOT_FOUND',
      `${path}: expected config.json or genai_config.json beside it or one folder up, found neither`,
      { hint: 'Keep the files together that the exporter wrote: configuration, tokenizer, ONNX file.' },
    );
  }
  const file = relative(folder, path).split(sep).join('/');
  const variants = findVariants(await listModelFiles(folder));
  const known = variants.find((variant) => variant.file === file);
  const chosen = known ?? { name: basename(path, '.onnx'), file, configFolder: '' };
  if (wish !== undefined && chooseVariant(variants, wish, folder).file !== file) {
    throw new MinferenceError('USAGE', `expected either an .onnx file or --variant, found ${path} and "${wish}"`, {
      hint: 'Give the folder with --variant, or the file alone.',
    });
  }
  return describe(folder, id, chosen, known ? variants : [...variants, chosen], await readModelConfig(folder));
}

function describe(
  folder: string,
  id: string,
  chosen: ModelVariant,
  variants: readonly ModelVariant[],
  { layout, config, configText }: ReadConfig,
): ModelDirectory {
  return {
    id,
    folder: join(folder, chosen.configFolder),
    modelPath: join(folder, chosen.file),
    variant: chosen.name,
    variants: variants.map((variant) => variant.name),
    variantPaths: variants.map((variant) => join(folder, variant.file)),
    layout,
    config,
    configText,
  };
}

function hasConfig(files: readonly string[], folder: string): boolean {
  return ['config.json', 'genai_config.json'].some((name) =>
    files.includes(folder === '' ? name : `${folder}/${name}`),
  );
}

function nothingFound(folder: string, files: readonly string[]): MinferenceError {
  const shown = files.slice(0, 8).join(', ') + (files.length > 8 ? ` and ${files.length - 8} more` : '');
  const onnx = files.some((file) => file.endsWith('.onnx'));
  const expected = onnx
    ? 'config.json or genai_config.json beside the ONNX files or one folder up'
    : 'an ONNX model (onnx/model.onnx or model.onnx, with config.json or genai_config.json)';
  return new MinferenceError(
    'MODEL_NOT_FOUND',
    `${folder}: expected ${expected}, found ${shown || 'an empty folder'}`,
    {
      hint: onnx
        ? 'Keep the files together that the exporter wrote: configuration, tokenizer, ONNX file.'
        : 'Export the model: optimum-cli export onnx --task text-generation-with-past --model <id> <folder>, ' +
          'or python -m onnxruntime_genai.models.builder -m <id> -o <folder> -p fp32 -e cpu.',
    },
  );
}
