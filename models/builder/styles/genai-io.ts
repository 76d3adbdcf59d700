import type { BuildContext } from '../context.js';
import { BATCH, PAST, SEQUENCE, TOTAL } from './genai-graph.js';

/** Inputs and outputs in onnxruntime-genai's order: all keys of the past, then all values. */
export function writeGenaiIo({ spec, graph }: BuildContext, options: { positionIds: boolean }): void {
  graph.input('input_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('attention_mask', 'int64', [BATCH, TOTAL]);
  if (options.positionIds) graph.input('position_ids', 'int64', [BATCH, SEQUENCE]);
  graph.output('logits', spec.activations, [BATCH, SEQUENCE, spec.vocabSize]);
  for (const kind of ['key', 'value']) {
    for (let layer = 0; layer < spec.numLayers; layer++) {
      const cache = (length: string) => [BATCH, spec.numKvHeads, length, 'kv_cache_dim'];
      graph.input(`past_key_values.${layer}.${kind}`, spec.activations, cache(PAST));
      graph.output(`present.${layer}.${kind}`, spec.activations, cache(TOTAL));
    }
  }
}
