import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ModelDirectory } from './model-directory.js';

export interface VariantSize {
  name: string;
  /** Of the .onnx file and its data files; null where it is not on this disk. */
  bytes: number | null;
}

/**
 * How large a model's variants are. Data files are those that begin with the .onnx file's name, as exporters write them
 * (`model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`).
 */
export async function variantSizes({ variants, variantPaths }: ModelDirectory): Promise<VariantSize[]> {
  return Promise.all(variants.map(async (name, index) => ({ name, bytes: await sizeOf(variantPaths[index]!) })));
}

async function sizeOf(path: string): Promise<number | null> {
  const [folder, file] = [dirname(path), basename(path)];
  const names = await readdir(folder).catch(() => []);
  const parts = names.filter(
    (name) => name === file || (name.startsWith(file) && /^[._]data/.test(name.slice(file.length))),
  );
  const sizes = await Promise.all(
    parts.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0),
  );
  return parts.includes(file) ? sizes.reduce((sum, size) => sum + size, 0) : null;
}
