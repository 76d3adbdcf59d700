import type { BuildContext } from '../context.js';
import { MICROSOFT } from '../domains.js';
import { writeGenaiDecoder } from './genai-decoder.js';
import { BATCH, GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeGenaiIo } from './genai-io.js';
import { writeProjections } from './genai-projections.js';
import { writeRotaryCaches } from './genai-rotary-caches.js';

/** onnxruntime-genai's graph for its fast path: GroupQueryAttention with RoPE inside. */
export function writeGenai(context: BuildContext): void {
  const genai = new GenaiGraph(context);
  const { spec, graph } = context;
  writeGenaiIo(context, { positionIds: false });
  const lengths = writeLengths(genai);
  let caches: [string, string] | undefined;

  writeGenaiDecoder(genai, (layer, normed) => {
    const path = `/model/layers.${layer}/attn/GroupQueryAttention`;
    const { query, key, value } = writeProjections(genai, layer, normed, true);
    caches ??= writeRotaryCaches(genai);
    const past = ['key', 'value'].map((kind) => `past_key_values.${layer}.${kind}`);
    const present = ['key', 'value'].map((kind) => `present.${layer}.${kind}`);
    const output = `${path}/output_0`;
    graph.node({
      op: 'GroupQueryAttention',
      name: path,
      domain: MICROSOFT,
      inputs: [query, key ?? '', value ?? '', ...past, ...lengths, ...caches, '', '', ''],
      outputs: [output, ...present],
      attributes: {
        num_heads: { int: spec.numHeads },
        kv_num_heads: { int: spec.numKvHeads },
        scale: { float: 1 / Math.sqrt(spec.headDim) },
        local_window_size: { int: spec.slidingWindow?.layers.includes(layer) ? spec.slidingWindow.size : -1 },
        softcap: { float: 0 },
        do_rotary: { int: 1 },
        rotary_interleaved: { int: 0 },
      },
    });
    graph.value(output, spec.activations, [BATCH, SEQUENCE, spec.numHeads * spec.headDim]);
    return output;
  });
}

/** seqlens_k (total length − 1 of each row) and total_sequence_length, both from the attention mask. */
function writeLengths(genai: GenaiGraph): [seqlensK: string, totalLength: string] {
  const path = '/model/attn_mask_reformat/attn_mask_subgraph';
  const rows = { type: 'int64' as const, shape: [BATCH] };
  const one = genai.constant('int64', [1]);
  const sum = genai.op('ReduceSum', `${path}/ReduceSum`, ['attention_mask', one], {
    ...rows,
    attributes: { keepdims: { int: 0 } },
  });
  const less = genai.op('Sub', `${path}/Sub`, [sum, one], rows);
  const toInt32 = { attributes: { to: { int: 6 } }, type: 'int32' as const };
  const seqlensK = genai.op('Cast', `${path}/Sub/Cast`, [less], { ...toInt32, shape: [BATCH] });
  const shape = genai.op('Shape', `${path}/Shape`, ['attention_mask'], { type: 'int64', shape: [2] });
  const total = genai.op('Gather', `${path}/Gather`, [shape, genai.constant('int64', 1)], {
    type: 'int64',
    shape: [],
    attributes: { axis: { int: 0 } },
  });
  return [seqlensK, genai.op('Cast', `${path}/Gather/Cast`, [total], { ...toInt32, shape: [] })];
}
