import { CONV_ROWS } from '../shape.js';
import { floatBytes } from '../tensor-proto.js';
import { layerWeight } from '../weights.js';
import type { Mixed } from './genai-decoder.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeLinear } from './genai-linear.js';

/** LFM2's gated short convolution in plain ops: c · conv(past rows ++ b · x), which carries its last input rows. */
export function writeShortConv(genai: GenaiGraph, layer: number, normed: string): Mixed {
  const { spec, graph, weights } = genai.context;
  const { hiddenSize: width, activations: type } = spec;
  const path = `/model/layers.${layer}/conv`;
  const rows = CONV_ROWS.conv;
  const columns = { type, shape: [BATCH, width, SEQUENCE] };
  const projected = writeLinear(genai, {
    path: `${path}/in_proj`,
    input: normed,
    sources: [layerWeight(layer, 'conv.in_proj.weight')],
    inputSize: width,
    outputSize: 3 * width,
  });
  const turn = { attributes: { perm: { ints: [0, 2, 1] } } };
  const turned = genai.op('Transpose', `${path}/Transpose_1`, [projected], {
    type,
    shape: [BATCH, 3 * width, SEQUENCE],
    ...turn,
  });
  const [b, c, x] = [0, 1, 2].map((part) => `${path}/Split/output_${part}`) as [string, string, string];
  const sizes = genai.constant('int64', [width, width, width]);
  const axis = { axis: { int: 1 } };
  graph.node({ op: 'Split', name: `${path}/Split`, inputs: [turned, sizes], outputs: [b, c, x], attributes: axis });
  const gated = genai.op('Mul', `${path}/Mul_1`, [b, x], columns);
  const long = genai.op('Concat', `${path}/Concat`, [`past_conv.${layer}`, gated], {
    type,
    shape: [BATCH, width, 'rows'],
    attributes: { axis: { int: 2 } },
  });
  const last = [
    genai.constant('int64', [1 - rows]),
    genai.constant('int64', [2 ** 31 - 1]),
    genai.constant('int64', [2]),
  ];
  genai.op('Slice', `${path}/Slice`, [long, ...last], {
    type,
    shape: [BATCH, width, rows - 1],
    output: `present_conv.${layer}`,
  });
  const kernel = graph.weight(`model.layers.${layer}.conv.conv.weight`, type, [width, 1, rows], () =>
    floatBytes(weights.get(layerWeight(layer, 'conv.conv.weight')), type),
  );
  const convolved = genai.op('Conv', `${path}/Conv`, [long, kernel], {
    ...columns,
    attributes: { group: { int: width }, kernel_shape: { ints: [rows] } },
  });
  const mixed = genai.op('Mul', `${path}/Mul_2`, [c, convolved], columns);
  const value = genai.op('Transpose', `${path}/Transpose_2`, [mixed], {
    type,
    shape: [BATCH, SEQUENCE, width],
    ...turn,
  });
  return { value, width, path: 'conv/out_proj', weight: 'conv.out_proj.weight' };
}
