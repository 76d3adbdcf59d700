import { MinferenceError } from '../errors.js';
import { nearest } from '../utils/nearest.js';

/** One ONNX file that a model folder offers. */
export interface ModelVariant {
  /** What `--variant` takes: the file's name without .onnx, or a path where names repeat. */
  name: string;
  /** The .onnx file, relative to the model folder. */
  file: string;
  /** Folder of the configuration and tokenizer that belong to it, relative to the model folder ('' = the folder itself). */
  configFolder: string;
}

/** Suffixes of transformers.js' dtypes, in the order of the default rule. */
const SUFFIXES = ['', '_fp16', '_q4', '_q4f16', '_int8', '_quantized', '_uint8', '_bnb4'];
const BASES = ['model', 'decoder_model_merged'];
const PREFERRED = BASES.flatMap((base) => SUFFIXES.map((suffix) => base + suffix));
/** Names of dtypes that differ from the file's suffix. */
const DTYPE_SUFFIX: Record<string, string> = { fp32: '', q8: '_quantized' };

const dirname = (file: string) => file.slice(0, Math.max(0, file.lastIndexOf('/')));
const stem = (file: string) => file.slice(file.lastIndexOf('/') + 1).replace(/\.onnx$/, '');

/**
 * The ONNX files of a folder listing: beside config.json or genai_config.json, in `onnx/` below it, and in subfolders
 * with a genai_config.json of their own.
 *
 * @param files - paths relative to the model folder
 */
export function findVariants(files: readonly string[]): ModelVariant[] {
  const all = new Set(files);
  const configFolders = [...new Set(files.filter((file) => /(^|\/)genai_config\.json$/.test(file)).map(dirname))];
  if (all.has('config.json') && !configFolders.includes('')) configFolders.unshift('');

  const found = configFolders.flatMap((configFolder) => {
    const inside = (folder: string) => files.filter((file) => file.endsWith('.onnx') && dirname(file) === folder);
    const onnxFolder = configFolder === '' ? 'onnx' : `${configFolder}/onnx`;
    const nested = configFolders.includes(onnxFolder) ? [] : inside(onnxFolder);
    return [...nested, ...inside(configFolder)].map((file) => ({ file, configFolder }));
  });
  const count = (name: string) => found.filter(({ file }) => stem(file) === name).length;
  return found.map(({ file, configFolder }) => {
    const alone = configFolder !== '' && found.filter((other) => other.configFolder === configFolder).length === 1;
    if (alone) return { name: configFolder, file, configFolder };
    return { name: count(stem(file)) === 1 ? stem(file) : file.replace(/\.onnx$/, ''), file, configFolder };
  });
}

/** Everything that `--variant` takes for these files: their names, and the dtypes that name them too. */
function nicknames(variants: readonly ModelVariant[]): string[] {
  const dtypes = variants.flatMap(({ file }) => /^(?:model|decoder_model_merged)_(.+)$/.exec(stem(file))?.[1] ?? []);
  return [...variants.map(({ name }) => name), ...dtypes];
}

/**
 * The variant asked for: by name, by path, or by transformers.js' dtype (`fp32`, `q4`, `q4f16` …). Without a wish:
 * `preferred` when it exists, else the highest precision of `model`, else of `decoder_model_merged`
 * (full, fp16, q4, q4f16, int8, quantized, uint8, bnb4), else the only one there is.
 *
 * @param where - the folder or id, for errors
 * @param preferred - file that the folder's genai_config.json names
 * @throws MinferenceError MODEL_NOT_FOUND when there is none, USAGE when the choice is unknown or open
 */
export function chooseVariant(
  variants: readonly ModelVariant[],
  wish: string | undefined,
  where: string,
  preferred?: string,
): ModelVariant {
  const names = variants.map((variant) => variant.name).join(', ');
  if (wish !== undefined) {
    const plain = wish.replace(/\.onnx$/, '');
    const suffix = DTYPE_SUFFIX[plain] ?? `_${plain}`;
    const byDtype = BASES.map((base) => base + suffix);
    const match =
      variants.find((variant) => variant.name === plain) ??
      variants.find((variant) => variant.file.replace(/\.onnx$/, '') === plain) ??
      byDtype.map((name) => variants.find((variant) => stem(variant.file) === name)).find((variant) => variant);
    if (match) return match;
    const meant = nearest(plain, nicknames(variants));
    const question = meant === undefined ? '' : `Did you mean "${meant}"? `;
    throw new MinferenceError('USAGE', `${where}: expected a variant of the model, found "${wish}"`, {
      hint: `${question}Choose one with --variant: ${names}.`,
    });
  }
  const named = variants.find((variant) => variant.file === preferred);
  if (named) return named;
  for (const name of PREFERRED) {
    const match = variants.find((variant) => stem(variant.file) === name && variant.configFolder === '');
    if (match) return match;
  }
  if (variants.length === 1) return variants[0]!;
  throw new MinferenceError('USAGE', `${where}: expected a choice among ${variants.length} variants, found none`, {
    hint: `Choose one with --variant: ${names}.`,
  });
}
