import { createRandom } from '../../src/utils/prng.js';
import { CONV_ROWS, type DecoderShape, linearWidth } from './shape.js';

/** Weights by Hugging Face parameter name, row-major; matrices as [outputs, inputs]. */
export interface WeightSource {
  get(name: string): Float32Array;
}

/** Hugging Face names of one layer's parameters. */
export const layerWeight = (layer: number, name: string) => `model.layers.${layer}.${name}`;

/** Shapes of all parameters of a decoder, in Hugging Face's order. */
function weightShapes(shape: DecoderShape): Map<string, number[]> {
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [shape.vocabSize, shape.hiddenSize]]]);
  const queries = shape.numHeads * shape.headDim;
  const keys = shape.numKvHeads * shape.headDim;
  for (let layer = 0; layer < shape.numLayers; layer++) {
    const set = (name: string, dims: number[]) => shapes.set(layerWeight(layer, name), dims);
    set('input_layernorm.weight', [shape.hiddenSize]);
    set('self_attn.q_proj.weight', [queries, shape.hiddenSize]);
    set('self_attn.k_proj.weight', [keys, shape.hiddenSize]);
    set('self_attn.v_proj.weight', [keys, shape.hiddenSize]);
    set('self_attn.o_proj.weight', [shape.hiddenSize, queries]);
    for (const [name, dims] of kindShapes(shape, layer)) set(name, dims);
    if (shape.attentionBias) {
      set('self_attn.q_proj.bias', [queries]);
      set('self_attn.k_proj.bias', [keys]);
      set('self_attn.v_proj.bias', [keys]);
    }
    if (shape.qkNorm) {
      set('self_attn.q_norm.weight', [shape.headDim]);
      set('self_attn.k_norm.weight', [shape.headDim]);
    }
    set('post_attention_layernorm.weight', [shape.hiddenSize]);
    set('mlp.gate_proj.weight', [shape.intermediateSize, shape.hiddenSize]);
    set('mlp.up_proj.weight', [shape.intermediateSize, shape.hiddenSize]);
    set('mlp.down_proj.weight', [shape.hiddenSize, shape.intermediateSize]);
  }
  shapes.set('model.norm.weight', [shape.hiddenSize]);
  if (!shape.tiedEmbeddings) shapes.set('lm_head.weight', [shape.vocabSize, shape.hiddenSize]);
  return shapes;
}

/** What a layer's kind has beyond attention. */
function kindShapes(shape: DecoderShape, layer: number): [string, number[]][] {
  const { hiddenSize, numHeads, headDim } = shape;
  switch (shape.layerKinds[layer]) {
    case 'sinks':
      return [['self_attn.sinks', [numHeads]]];
    case 'biased':
      return [['self_attn.slope.weight', [numHeads, hiddenSize]]];
    case 'conv':
      return [
        ['conv.in_proj.weight', [3 * hiddenSize, hiddenSize]],
        ['conv.conv.weight', [hiddenSize, CONV_ROWS.conv]],
        ['conv.out_proj.weight', [hiddenSize, hiddenSize]],
      ];
    case 'linear':
      return [
        ['linear_attn.in_proj_qkv.weight', [linearWidth(shape), hiddenSize]],
        ['linear_attn.in_proj_a.weight', [numHeads, hiddenSize]],
        ['linear_attn.in_proj_b.weight', [numHeads, hiddenSize]],
        ['linear_attn.conv1d.weight', [linearWidth(shape), CONV_ROWS.linear]],
        ['linear_attn.out_proj.weight', [hiddenSize, numHeads * headDim]],
      ];
    default:
      return [];
  }
}

/**
 * Random weights that keep activations near unit variance, so that attention is neither flat nor one-hot and a wrong
 * mask or a wrong angle shows in the logits. Each tensor depends on the seed and its own name only.
 */
export function randomWeights(shape: DecoderShape, seed: number): WeightSource {
  const shapes = weightShapes(shape);
  return {
    get(name) {
      const dims = shapes.get(name);
      if (!dims) throw new RangeError(`expected a parameter of this decoder, found "${name}"`);
      return randomTensor(name, dims, seed);
    },
  };
}

function randomTensor(name: string, dims: readonly number[], seed: number): Float32Array {
  const random = createRandom(seed, name);
  const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  const isNorm = name.endsWith('norm.weight');
  // Uniform in ±bound: variance bound²/3.
  const bound = isNorm ? 0.2 : Math.sqrt(3 / (dims.length === 2 ? dims[1]! : 4));
  const sharper = /[qk]_proj\.weight$/.test(name) ? 1.5 : 1;
  for (let index = 0; index < values.length; index++) {
    values[index] = (isNorm ? 1 : 0) + (random.float() * 2 - 1) * bound * sharper;
  }
  return values;
}
