import type { ModelLayers } from '../src/onnx/types.js';
import type { HeadEntry, PatternFile, SearchProvenance } from '../src/patterns/pattern-file.js';
import { type LayerEntry, PATTERN_SCHEMA, packShape } from '../src/patterns/pattern-file.js';
import { defined } from '../src/utils/defined.js';
import { isWindowed } from './search-facts.js';

/** Puts chosen heads (of the layers that can be sparse), shapes and provenance together, by the model's layers. */
export function buildPatternFile(
  options: Readonly<ModelLayers> & {
    model: { id: string; fingerprint: string };
    heads: readonly (readonly HeadEntry[])[];
    search: SearchProvenance;
  },
): PatternFile {
  const { layers, leftAlone, numLayers, search } = options;
  const placed = new Map<number, LayerEntry>();
  for (const { layer, numHeads, reason } of leftAlone) {
    placed.set(layer, { left_alone: reason, heads: Array.from({ length: numHeads }, () => ({ type: 'dense' })) });
  }
  for (const [index, layer] of layers.entries()) {
    const window = defined({ window: isWindowed(layer, search.length) ? layer.window! : undefined });
    placed.set(layer.layer, { ...window, heads: [...options.heads[index]!] });
  }
  const entries = Array.from({ length: numLayers }, (_, layer) => placed.get(layer)!);
  const ours = new Map(layers.map((layer) => [layer.layer, layer]));
  // Layers that stay as they are have no sizes that anybody needs.
  const shape = (field: 'numKvHeads' | 'headDim') =>
    packShape(entries.map((_, layer) => ours.get(layer)?.[field] ?? 0));
  return {
    schema: PATTERN_SCHEMA,
    model: {
      ...options.model,
      num_layers: numLayers,
      num_heads: packShape(entries.map(({ heads }) => heads.length)),
      num_kv_heads: shape('numKvHeads'),
      head_dim: shape('headDim'),
    },
    search,
    layers: entries,
  };
}
