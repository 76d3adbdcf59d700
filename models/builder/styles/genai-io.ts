import type { BuildContext } from '../context.js';
import { CONV_ROWS, hasCache, linearWidth } from '../shape.js';
import { BATCH, PAST, SEQUENCE, TOTAL } from './genai-graph.js';

/** Inputs and outputs in onnxruntime-genai's order: all keys of the past, then all values. */
export function writeGenaiIo({ spec, graph }: BuildContext, options: { positionIds: boolean }): void {
  graph.input('input_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('attention_mask', 'int64', [BATCH, TOTAL]);
  if (options.positionIds) graph.input('position_ids', 'int64', [BATCH, SEQUENCE]);
  graph.output('logits', spec.activations, [BATCH, SEQUENCE, spec.vocabSize]);
  for (const kind of ['key', 'value']) {
    for (let layer = 0; layer < spec.numLayers; layer++) {
      if (!hasCache(spec, layer)) continue;
      const cache = (length: string) => [BATCH, spec.numKvHeads, length, 'kv_cache_dim'];
      graph.input(`past_key_values.${layer}.${kind}`, spec.activations, cache(PAST));
      graph.output(`present.${layer}.${kind}`, spec.activations, cache(TOTAL));
    }
  }
  for (let layer = 0; layer < spec.numLayers; layer++) writeStates({ spec, graph }, layer);
}

/** States that are no keys and values; LFM2's are called as transformers.js calls them. */
function writeStates({ spec, graph }: Pick<BuildContext, 'spec' | 'graph'>, layer: number): void {
  const carry = (past: string, present: string, sizes: number[]) => {
    graph.input(past, spec.activations, [BATCH, ...sizes]);
    graph.output(present, spec.activations, [BATCH, ...sizes]);
  };
  const kind = spec.layerKinds[layer];
  if (kind === 'conv') carry(`past_conv.${layer}`, `present_conv.${layer}`, [spec.hiddenSize, CONV_ROWS.conv - 1]);
  if (kind !== 'linear') return;
  const names = (state: string) => [`past_key_values.${layer}.${state}`, `present.${layer}.${state}`] as const;
  carry(...names('conv_state'), [linearWidth(spec), CONV_ROWS.linear - 1]);
  carry(...names('recurrent_state'), [spec.numHeads, spec.headDim, spec.headDim]);
}
