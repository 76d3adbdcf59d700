import { join } from 'node:path';
import type { DecoderSpec } from '../../../models/builder/spec.js';
import { type WriteModelDirectoryOptions, writeModelDirectory } from '../../../models/builder/write-model-directory.js';

/** A decoder with random weights that every command runs in a moment: 2 layers, 4 heads, a byte per token. */
const TINY: DecoderSpec = { numLayers: 2, numHeads: 4, numKvHeads: 2, maxPositions: 4096, seed: 1 };

/** Writes a tiny model into `folder/name` and returns that folder. */
export async function writeTinyModel(
  folder: string,
  name = 'tiny',
  spec: DecoderSpec = {},
  options: WriteModelDirectoryOptions = {},
): Promise<string> {
  const path = join(folder, name);
  await writeModelDirectory(path, { ...TINY, ...spec }, options);
  return path;
}

interface TinyPatternFile {
  schema: string;
  model: Record<string, string | number>;
  layers: { heads: { type: string; sink: number; window: number }[] }[];
}

/** A pattern file for {@link TINY}; `change` edits it before it is written. */
export function tinyPatterns(change: (file: TinyPatternFile) => void = () => {}): string {
  const head = { type: 'a_shape', sink: 16, window: 64 };
  const file: TinyPatternFile = {
    schema: 'minference.patterns/1',
    model: { id: 'tiny', num_layers: 2, num_heads: 4, num_kv_heads: 2, head_dim: 16 },
    layers: Array.from({ length: 2 }, () => ({ heads: Array.from({ length: 4 }, () => ({ ...head })) })),
  };
  change(file);
  return JSON.stringify(file);
}
