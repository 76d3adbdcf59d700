import { MICROSOFT } from '../domains.js';
import { CONV_ROWS, linearWidth } from '../shape.js';
import { floatBytes } from '../tensor-proto.js';
import { layerWeight } from '../weights.js';
import type { Mixed } from './genai-decoder.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeLinear } from './genai-linear.js';

/** Linear attention by the gated delta rule, after a causal convolution, as onnxruntime-genai's builder writes Qwen3.5's. */
export function writeLinearAttention(genai: GenaiGraph, layer: number, normed: string): Mixed {
  const { spec, graph, weights } = genai.context;
  const { numHeads: heads, headDim, hiddenSize, activations: type } = spec;
  const path = `/model/layers.${layer}/linear_attn`;
  const all = linearWidth(spec);
  const width = heads * headDim;
  const project = (name: string, outputSize: number) =>
    writeLinear(genai, {
      path: `${path}/${name}`,
      input: normed,
      sources: [layerWeight(layer, `linear_attn.${name}.weight`)],
      inputSize: hiddenSize,
      outputSize,
    });
  const perHead = { type, shape: [BATCH, SEQUENCE, heads] };
  const turn = { attributes: { perm: { ints: [0, 2, 1] } } };
  const qkv = project('in_proj_qkv', all);
  const columns = genai.op('Transpose', `${path}/qkv/Transpose`, [qkv], {
    type,
    shape: [BATCH, all, SEQUENCE],
    ...turn,
  });
  const kernel = graph.weight(`model.layers.${layer}.linear_attn.conv1d.weight`, type, [all, 1, CONV_ROWS.linear], () =>
    floatBytes(weights.get(layerWeight(layer, 'linear_attn.conv1d.weight')), type),
  );
  const convolved = `${path}/CausalConvWithState/output_0`;
  graph.node({
    op: 'CausalConvWithState',
    name: `${path}/CausalConvWithState`,
    domain: MICROSOFT,
    inputs: [columns, kernel, '', `past_key_values.${layer}.conv_state`],
    outputs: [convolved, `present.${layer}.conv_state`],
    attributes: { activation: { string: 'silu' }, ndim: { int: 1 } },
  });
  graph.value(convolved, type, [BATCH, all, SEQUENCE]);
  const rows = genai.op('Transpose', `${path}/conv_out/Transpose`, [convolved], {
    type,
    shape: [BATCH, SEQUENCE, all],
    ...turn,
  });
  const parts = [0, 1, 2].map((part) => `${path}/split_qkv/Split/output_${part}`) as [string, string, string];
  const sizes = genai.constant('int64', [width, width, width]);
  const inputs = [rows, sizes];
  graph.node({
    op: 'Split',
    name: `${path}/split_qkv/Split`,
    inputs,
    outputs: parts,
    attributes: { axis: { int: -1 } },
  });
  const [query, key] = (['q', 'k'] as const).map((name, part) =>
    writeUnitHeads(genai, `${path}/${name}_l2norm`, parts[part]!),
  );
  const scale = genai.constant(type, 1 / Math.sqrt(headDim));
  const scaled = genai.op('Mul', `${path}/q_scaled/Mul`, [query!, scale], { type, shape: [BATCH, SEQUENCE, width] });
  const softplus = genai.op('Softplus', `${path}/gate/Softplus`, [project('in_proj_a', heads)], perHead);
  const decay = genai.op('Neg', `${path}/gate/Neg`, [softplus], perHead);
  const beta = genai.op('Sigmoid', `${path}/beta/Sigmoid`, [project('in_proj_b', heads)], perHead);
  const value = `${path}/LinearAttention/output_0`;
  graph.node({
    op: 'LinearAttention',
    name: `${path}/LinearAttention`,
    domain: MICROSOFT,
    inputs: [scaled, key!, parts[2], `past_key_values.${layer}.recurrent_state`, decay, beta],
    outputs: [value, `present.${layer}.recurrent_state`],
    attributes: {
      q_num_heads: { int: heads },
      kv_num_heads: { int: heads },
      update_rule: { string: 'gated_delta' },
      scale: { float: 1 },
    },
  });
  graph.value(value, type, [BATCH, SEQUENCE, width]);
  return { value, width, path: 'linear_attn/out_proj', weight: 'linear_attn.out_proj.weight' };
}

/** Every head of every row scaled to length 1. */
function writeUnitHeads(genai: GenaiGraph, path: string, input: string): string {
  const { numHeads, headDim, activations: type } = genai.context.spec;
  const heads = { type, shape: [BATCH, SEQUENCE, numHeads, headDim] };
  const split = genai.op(
    'Reshape',
    `${path}/flat/Reshape`,
    [input, genai.constant('int64', [0, 0, numHeads, headDim])],
    heads,
  );
  const attributes = { axis: { int: -1 }, p: { int: 2 } };
  const normed = genai.op('LpNormalization', `${path}/LpNormalization`, [split], { ...heads, attributes });
  const flat = genai.constant('int64', [0, 0, numHeads * headDim]);
  return genai.op('Reshape', `${path}/unflat/Reshape`, [normed, flat], {
    type,
    shape: [BATCH, SEQUENCE, numHeads * headDim],
  });
}
