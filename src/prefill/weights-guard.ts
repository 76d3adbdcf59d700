import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MinferenceError } from '../errors.js';
import type { OnnxModel } from '../onnx/types.js';
import { formatBytes } from '../utils/format.js';
import { availableMemory } from './available-memory.js';

/** Bytes of the .onnx file and of every file that its initializers point to. */
async function weightBytes(model: OnnxModel): Promise<number> {
  const files = new Set([model.path]);
  for (const { externalData } of model.proto.graph?.initializer ?? []) {
    const location = externalData.find(({ key }) => key === 'location')?.value;
    if (location) files.add(join(model.folder, location));
  }
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file).catch(() => undefined))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Refuses a model whose weights alone are larger than the memory there is.
 *
 * @throws MinferenceError OUT_OF_MEMORY
 */
export async function checkWeightsFit(model: OnnxModel, variants: readonly string[]): Promise<void> {
  const [needed, available] = await Promise.all([weightBytes(model), availableMemory()]);
  if (needed <= available) return;
  const others = variants.length > 1 ? `Choose a smaller variant (--variant): ${variants.join(', ')}; or f` : 'F';
  throw new MinferenceError(
    'OUT_OF_MEMORY',
    `${model.path}: expected memory for ${formatBytes(needed)} of weights, found ${formatBytes(available)} available`,
    { hint: `${others}ree memory, or export the model in 4 bits.` },
  );
}
