import type { BuildContext } from '../context.js';
import { MICROSOFT } from '../domains.js';
import { donorOf } from '../shape.js';
import { floatBytes } from '../tensor-proto.js';
import { layerWeight } from '../weights.js';
import { writeGenaiDecoder } from './genai-decoder.js';
import { BATCH, GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeGenaiIo } from './genai-io.js';
import { writeLinear } from './genai-linear.js';
import { writeLinearAttention } from './genai-linear-attention.js';
import { type Projections, writeProjections } from './genai-projections.js';
import { writeRotaryCaches } from './genai-rotary-caches.js';
import { writeShortConv } from './genai-short-conv.js';

/** onnxruntime-genai's graph for its fast path: GroupQueryAttention with RoPE inside. */
export function writeGenai(context: BuildContext): void {
  const genai = new GenaiGraph(context);
  const { spec, graph } = context;
  writeGenaiIo(context, { positionIds: false });
  const lengths = writeLengths(genai);
  let caches: [string, string] | undefined;

  writeGenaiDecoder(genai, (layer, normed) => {
    const kind = spec.layerKinds[layer];
    if (kind === 'conv') return writeShortConv(genai, layer, normed);
    if (kind === 'linear') return writeLinearAttention(genai, layer, normed);
    const path = `/model/layers.${layer}/attn/GroupQueryAttention`;
    const isShared = kind === 'shared';
    const projections = isShared ? writeQueryAlone(genai, layer, normed) : writeProjections(genai, layer, normed, true);
    const { query, key, value } = projections;
    caches ??= writeRotaryCaches(genai);
    const names = (prefix: string, owner: number) => ['key', 'value'].map((part) => `${prefix}.${owner}.${part}`);
    const past = isShared ? names('present', donorOf(spec, layer)) : names('past_key_values', layer);
    const present = isShared ? [] : names('present', layer);
    const output = `${path}/output_0`;
    graph.node({
      op: 'GroupQueryAttention',
      name: path,
      domain: MICROSOFT,
      inputs: [
        query,
        key ?? '',
        value ?? '',
        ...past,
        ...lengths,
        ...caches,
        '',
        '',
        kind === 'sinks' ? writeSinks(genai, layer) : '',
      ],
      outputs: [output, ...present],
      attributes: {
        num_heads: { int: spec.numHeads },
        kv_num_heads: { int: spec.numKvHeads },
        scale: { float: 1 / Math.sqrt(spec.headDim) },
        local_window_size: { int: spec.slidingWindow?.layers.includes(layer) ? spec.slidingWindow.size : -1 },
        softcap: { float: 0 },
        do_rotary: { int: 1 },
        rotary_interleaved: { int: 0 },
        ...(kind === 'smooth' ? { smooth_softmax: { int: 1 } } : {}),
      },
    });
    graph.value(output, spec.activations, [BATCH, SEQUENCE, spec.numHeads * spec.headDim]);
    return output;
  });
}

/** A logit for each head. */
function writeSinks({ context: { spec, graph, weights } }: GenaiGraph, layer: number): string {
  const bytes = () => floatBytes(weights.get(layerWeight(layer, 'self_attn.sinks')), spec.activations);
  return graph.weight(`model.layers.${layer}.attn.sinks`, spec.activations, [spec.numHeads], bytes);
}

/** The query of a layer that reads another one's cache; its own keys and values have no rows. */
function writeQueryAlone(genai: GenaiGraph, layer: number, normed: string): Projections {
  const { spec } = genai.context;
  const path = `/model/layers.${layer}/attn`;
  const query = writeLinear(genai, {
    path: `${path}/q_proj`,
    input: normed,
    sources: [layerWeight(layer, 'self_attn.q_proj.weight')],
    inputSize: spec.hiddenSize,
    outputSize: spec.numHeads * spec.headDim,
  });
  const width = spec.numKvHeads * spec.headDim;
  const cut = [
    [0, 0],
    [0, width],
    [1, 2],
  ].map((numbers) => genai.constant('int64', numbers));
  const result = { type: spec.activations, shape: [BATCH, 0, width] };
  const empty = genai.op('Slice', `${path}/no_rows/Slice`, [query, ...cut], result);
  return { query, key: empty, value: empty };
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
