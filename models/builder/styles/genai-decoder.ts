import { layerWeight } from '../weights.js';
import { writeEmbedding } from './genai-embedding.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeLinear } from './genai-linear.js';
import { type Residual, writeNorm } from './genai-norm.js';

/** What a layer makes of its rows, before the output projection. */
export interface Mixed {
  /** [batch, sequence, width] */
  value: string;
  width: number;
  /** Of the output projection, below the layer: its path in the graph and its Hugging Face name. */
  path: string;
  weight: string;
}

/** Writes one layer's attention without the output projection; a name stands for a value [batch, sequence, heads · headDim]. */
export type WriteAttention = (layer: number, normed: string) => string | Mixed;

/** Everything but the attention: embedding, norms, SwiGLU, LM head, in onnxruntime-genai's order. */
export function writeGenaiDecoder(genai: GenaiGraph, writeAttention: WriteAttention): void {
  const { spec } = genai.context;
  const residual: Residual = { root: writeEmbedding(genai), skip: null };
  for (let layer = 0; layer < spec.numLayers; layer++) {
    const path = `/model/layers.${layer}`;
    const norm = (name: string) => {
      const source = layerWeight(layer, `${name}.weight`);
      const { normed, root } = writeNorm(genai, { path: `${path}/${name}`, source, residual });
      residual.root = root;
      return normed;
    };
    const mixed = asMixed(writeAttention(layer, norm('input_layernorm')), spec.numHeads * spec.headDim);
    residual.skip = writeLinear(genai, {
      path: `${path}/${mixed.path}`,
      input: mixed.value,
      sources: [layerWeight(layer, mixed.weight)],
      inputSize: mixed.width,
      outputSize: spec.hiddenSize,
    });
    residual.skip = writeMlp(genai, layer, norm('post_attention_layernorm'));
  }
  const { normed } = writeNorm(genai, {
    path: `/model/layers.${spec.numLayers}/final_norm_layernorm`,
    source: 'model.norm.weight',
    residual,
    last: true,
  });
  writeLinear(genai, {
    path: '/lm_head',
    input: normed,
    sources: [spec.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'],
    inputSize: spec.hiddenSize,
    outputSize: spec.vocabSize,
    output: 'logits',
  });
}

const asMixed = (mixed: string | Mixed, width: number): Mixed =>
  typeof mixed === 'string' ? { value: mixed, width, path: 'attn/o_proj', weight: 'self_attn.o_proj.weight' } : mixed;

/** down(silu(gate(x)) · up(x)), with silu as Sigmoid and Mul. */
function writeMlp(genai: GenaiGraph, layer: number, input: string): string {
  const { hiddenSize, intermediateSize, activations: type } = genai.context.spec;
  const path = `/model/layers.${layer}/mlp`;
  const inner = { type, shape: [BATCH, SEQUENCE, intermediateSize] };
  const project = (name: string) =>
    writeLinear(genai, {
      path: `${path}/${name}`,
      input,
      sources: [layerWeight(layer, `mlp.${name}.weight`)],
      inputSize: hiddenSize,
      outputSize: intermediateSize,
    });
  const gate = project('gate_proj');
  const up = project('up_proj');
  const sigmoid = genai.op('Sigmoid', `${path}/act_fn/Sigmoid`, [gate], inner);
  const silu = genai.op('Mul', `${path}/act_fn/Mul`, [gate, sigmoid], inner);
  const product = genai.op('Mul', `${path}/Mul`, [silu, up], inner);
  return writeLinear(genai, {
    path: `${path}/down_proj`,
    input: product,
    sources: [layerWeight(layer, 'mlp.down_proj.weight')],
    inputSize: intermediateSize,
    outputSize: hiddenSize,
  });
}
