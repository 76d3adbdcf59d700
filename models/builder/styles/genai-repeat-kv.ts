import { numberBytes, tensorProto } from '../tensor-proto.js';
import { BATCH, type GenaiGraph, SEQUENCE, TOTAL } from './genai-graph.js';

/**
 * Key or value of a layer with fewer KV heads than query heads: appended to the past, each head repeated, and laid out
 * as [batch, total, heads · headDim] for MultiHeadAttention.
 */
export function writeRepeatKv(genai: GenaiGraph, layer: number, kind: 'key' | 'value', input: string): string {
  const { numHeads, numKvHeads, headDim, activations: type } = genai.context.spec;
  const path = `/model/layers.${layer}/attn/${kind[0]}_proj/repeat_kv`;
  const floats = (op: string, name: string, inputs: string[], shape: (number | string)[]) =>
    genai.op(op, `${path}/${name}`, inputs, { type, shape });
  const ints = (op: string, name: string, inputs: string[], shape: number[]) =>
    genai.op(op, `${path}/${name}`, inputs, { type: 'int64', shape });
  const turned = (name: string, value: string, shape: (number | string)[]) =>
    genai.op('Transpose', `${path}/${name}`, [value], { type, shape, attributes: { perm: { ints: [0, 2, 1, 3] } } });

  const split = genai.constant('int64', [0, 0, numKvHeads, -1]);
  const heads = floats('Reshape', 'Reshape_1', [input, split], [BATCH, SEQUENCE, numKvHeads, headDim]);
  const fresh = turned('Transpose_1', heads, [BATCH, numKvHeads, SEQUENCE, headDim]);
  const present = genai.op('Concat', `${path}/Concat_1`, [`past_key_values.${layer}.${kind}`, fresh], {
    type,
    shape: [BATCH, numKvHeads, TOTAL, headDim],
    attributes: { axis: { int: 2 } },
    output: `present.${layer}.${kind}`,
  });
  const shape = ints('Shape', 'Shape_1', [present], [4]);
  const axis0 = genai.constant('int64', [0]);
  const sizes = [0, 1, 2, 3].map((axis) => {
    const size = genai.op('Gather', `${path}/Gather_${axis + 1}`, [shape, genai.constant('int64', axis)], {
      type: 'int64',
      shape: [],
      attributes: { axis: { int: 0 } },
    });
    return ints('Unsqueeze', `Unsqueeze_${axis + 1}`, [size, axis0], [1]);
  }) as [string, string, string, string];
  const [batch, kvHeads, total, width] = sizes;
  const concat = (name: string, parts: string[]) =>
    genai.op('Concat', `${path}/${name}`, parts, {
      type: 'int64',
      shape: [parts.length],
      attributes: { axis: { int: 0 } },
    });
  const group = numHeads / numKvHeads;
  const wide = concat('Concat_2', [batch, kvHeads, genai.constant('int64', [group]), total, width]);
  const allHeads = ints('Mul', 'Mul_1', [kvHeads, genai.constant('int64', group)], [1]);
  const flat = concat('Concat_3', [batch, allHeads, total, width]);
  const target = ints('Reshape', 'Reshape_2', [wide, genai.constant('int64', [-1])], [5]);
  const ones = genai.op('ConstantOfShape', `${path}/ConstantOfShape`, [ints('Shape', 'Shape_2', [target], [1])], {
    type: 'int64',
    shape: [5],
    attributes: { value: { tensor: tensorProto('', 'int64', [1], numberBytes([1], 'int64')) } },
  });
  const minus = ints('Mul', 'Mul', [ones, genai.constant('int64', -1)], [5]);
  const keeps = genai.op('Equal', `${path}/Equal`, [target, minus], { type: 'bool', shape: [5] });
  const resolved = ints('Where', 'Where', [keeps, ones, target], [5]);
  const axis2 = genai.constant('int64', [2]);
  const lifted = floats('Unsqueeze', 'Unsqueeze_5', [present, axis2], [BATCH, numKvHeads, 1, TOTAL, headDim]);
  const expanded = floats('Expand', 'Expand', [lifted, resolved], [BATCH, numKvHeads, group, TOTAL, headDim]);
  const repeated = floats('Reshape', 'Reshape_3', [expanded, flat], [BATCH, numHeads, TOTAL, headDim]);
  const rows = turned('Transpose_2', repeated, [BATCH, TOTAL, numHeads, headDim]);
  const last = genai.constant('int64', [0, 0, numHeads * headDim]);
  return floats('Reshape', 'Reshape_4', [rows, last], [BATCH, TOTAL, numHeads * headDim]);
}
