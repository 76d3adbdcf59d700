import { realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { externalTensors } from './external-data.js';
import type { OnnxModel } from './types.js';

/**
 * Makes a model whose data files are links, as in a Hub cache, loadable: ONNX Runtime follows no link out of the folder
 * it is given. The model's external data then names the files themselves, in the folder that holds them all. Changes the
 * tensors of `model`; call it after {@link checkExternalData} and the fingerprint.
 */
export async function followDataLinks(model: OnnxModel): Promise<OnnxModel> {
  const tensors = externalTensors(model);
  const entries = tensors.flatMap(({ externalData }) => externalData.filter(({ key }) => key === 'location'));
  const real = new Map<string, string>();
  for (const { value } of entries) {
    if (!real.has(value)) real.set(value, await realpath(join(model.folder, value)));
  }
  const inPlace = await realpath(model.folder);
  if ([...real].every(([location, path]) => path === join(inPlace, location))) return model;
  const folder = commonFolder([...real.values()].map(dirname));
  for (const entry of entries) entry.value = relative(folder, real.get(entry.value)!);
  return { ...model, folder };
}

function commonFolder(folders: readonly string[]): string {
  const [first = sep, ...others] = folders;
  let parts = first.split(sep);
  for (const other of others) {
    const names = other.split(sep);
    const end = parts.findIndex((name, index) => name !== names[index]);
    if (end >= 0) parts = parts.slice(0, end);
  }
  return parts.join(sep) || sep;
}
