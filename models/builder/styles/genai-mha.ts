import type { BuildContext } from '../context.js';
import { MICROSOFT } from '../domains.js';
import { writeGenaiDecoder } from './genai-decoder.js';
import { BATCH, GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeGenaiIo } from './genai-io.js';
import { writeMhaMask } from './genai-mha-mask.js';
import { writeProjections } from './genai-projections.js';
import { writeRepeatKv } from './genai-repeat-kv.js';
import { writeRotaryCaches } from './genai-rotary-caches.js';

/**
 * onnxruntime-genai's graph where its GroupQueryAttention is not to be had (float16 on the CPU): RotaryEmbedding nodes,
 * an additive mask, MultiHeadAttention. With equal head counts MultiHeadAttention takes the past itself; otherwise the
 * cache is concatenated and its heads repeated outside.
 */
export function writeGenaiMha(context: BuildContext): void {
  const genai = new GenaiGraph(context);
  const { spec, graph } = context;
  const { numHeads, numKvHeads, headDim, rotaryDim, activations: type } = spec;
  const partial = rotaryDim !== headDim;
  writeGenaiIo(context, { positionIds: true });
  const mask = writeMhaMask(genai);
  let caches: [string, string] | undefined;

  const rotate = (layer: number, part: 'q' | 'k', input: string, heads: number) => {
    caches ??= writeRotaryCaches(genai);
    return genai.op(
      'RotaryEmbedding',
      `/model/layers.${layer}/attn/${part}_rotary/RotaryEmbedding`,
      [input, 'position_ids', ...caches],
      {
        type,
        shape: [BATCH, SEQUENCE, heads * headDim],
        domain: MICROSOFT,
        attributes: {
          interleaved: { int: 0 },
          num_heads: { int: partial ? heads : 0 },
          rotary_embedding_dim: { int: partial ? rotaryDim : 0 },
        },
      },
    );
  };

  writeGenaiDecoder(genai, (layer, normed) => {
    const { query, key, value } = writeProjections(genai, layer, normed, false);
    const rotatedQuery = rotate(layer, 'q', query, numHeads);
    const rotatedKey = rotate(layer, 'k', key!, numKvHeads);
    const path = `/model/layers.${layer}/attn/MultiHeadAttention`;
    const output = `${path}/output_0`;
    const own = numHeads === numKvHeads;
    const caching = (prefix: string) => ['key', 'value'].map((kind) => `${prefix}.${layer}.${kind}`);
    const keys = own ? rotatedKey : writeRepeatKv(genai, layer, 'key', rotatedKey);
    const values = own ? value! : writeRepeatKv(genai, layer, 'value', value!);
    graph.node({
      op: 'MultiHeadAttention',
      name: path,
      domain: MICROSOFT,
      inputs: [rotatedQuery, keys, values, '', '', mask, ...(own ? caching('past_key_values') : ['', ''])],
      outputs: [output, ...(own ? caching('present') : [])],
      attributes: {
        num_heads: { int: numHeads },
        scale: { float: 1 / Math.sqrt(headDim) },
        unidirectional: { int: 0 },
      },
    });
    graph.value(output, type, [BATCH, SEQUENCE, numHeads * headDim]);
    return output;
  });
}
