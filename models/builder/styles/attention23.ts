import type { BuildContext } from '../context.js';
import { ELEMENT_TYPE } from '../tensor-proto.js';
import { writeGenaiDecoder } from './genai-decoder.js';
import { BATCH, GenaiGraph, SEQUENCE, TOTAL } from './genai-graph.js';
import { writeGenaiIo } from './genai-io.js';
import { writeProjections } from './genai-projections.js';
import { writeRotaryCaches } from './genai-rotary-caches.js';

/**
 * A decoder in ONNX's own ops of opset 23: RMSNormalization, RotaryEmbedding, and Attention, which is causal, takes the
 * past and gives the present. The attention mask comes in as a boolean mask over keys.
 */
export function writeAttention23(context: BuildContext): void {
  const genai = new GenaiGraph(context);
  const { spec, graph } = context;
  const { numHeads, numKvHeads, headDim, rotaryDim, activations: type } = spec;
  writeGenaiIo(context, { positionIds: true });
  const mask = writeKeyMask(genai);
  let caches: [string, string] | undefined;

  const rotate = (layer: number, part: 'q' | 'k', input: string, heads: number) => {
    caches ??= writeRotaryCaches(genai);
    const path = `/model/layers.${layer}/attn/${part}_rotary/RotaryEmbedding`;
    return genai.op('RotaryEmbedding', path, [input, ...caches, 'position_ids'], {
      type,
      shape: [BATCH, SEQUENCE, heads * headDim],
      attributes: {
        interleaved: { int: 0 },
        num_heads: { int: heads },
        rotary_embedding_dim: { int: rotaryDim === headDim ? 0 : rotaryDim },
      },
    });
  };

  writeGenaiDecoder(genai, (layer, normed) => {
    const { query, key, value } = writeProjections(genai, layer, normed, false);
    const path = `/model/layers.${layer}/attn/Attention`;
    const caching = (prefix: string) => ['key', 'value'].map((kind) => `${prefix}.${layer}.${kind}`);
    const inputs = [rotate(layer, 'q', query, numHeads), rotate(layer, 'k', key!, numKvHeads), value!, mask];
    const output = `${path}/output_0`;
    graph.node({
      op: 'Attention',
      name: path,
      inputs: [...inputs, ...caching('past_key_values')],
      outputs: [output, ...caching('present')],
      attributes: {
        is_causal: { int: 1 },
        q_num_heads: { int: numHeads },
        kv_num_heads: { int: numKvHeads },
        scale: { float: 1 / Math.sqrt(headDim) },
        softcap: { float: 0 },
      },
    });
    graph.value(output, type, [BATCH, SEQUENCE, numHeads * headDim]);
    return output;
  });
}

/** attention_mask as bool [batch, 1, sequence, total]: the same for every query, since Attention itself is causal. */
function writeKeyMask(genai: GenaiGraph): string {
  const path = '/model/attn_mask';
  const bool = (shape: (number | string)[]) => ({ type: 'bool' as const, shape });
  const int64 = (shape: number[]) => ({ type: 'int64' as const, shape });
  const to = { to: { int: ELEMENT_TYPE.bool } };
  const seen = genai.op('Cast', `${path}/Cast`, ['attention_mask'], { ...bool([BATCH, TOTAL]), attributes: to });
  const axes = genai.constant('int64', [1, 2]);
  const keys = genai.op('Unsqueeze', `${path}/Unsqueeze`, [seen, axes], bool([BATCH, 1, 1, TOTAL]));
  const sizes = genai.op('Shape', `${path}/Shape`, ['input_ids'], int64([2]));
  const axis = { axis: { int: 0 } };
  const sequence = genai.op('Gather', `${path}/Gather`, [sizes, genai.constant('int64', [1])], {
    ...int64([1]),
    attributes: axis,
  });
  const one = genai.constant('int64', [1]);
  const target = genai.op('Concat', `${path}/Concat`, [one, one, sequence, one], { ...int64([4]), attributes: axis });
  return genai.op('Expand', `${path}/Expand`, [keys, target], bool([BATCH, 1, SEQUENCE, TOTAL]));
}
