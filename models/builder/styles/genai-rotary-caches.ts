import type { GraphProto } from 'onnx-buf';
import { GraphWriter } from '../graph-writer.js';
import { inverseFrequencies, rotaryTables } from '../rotary.js';
import { floatBytes, tensorProto } from '../tensor-proto.js';
import type { GenaiGraph } from './genai-graph.js';

const LOW = 256;
const range = (length: number, step = 1) => Array.from({ length }, (_, index) => index * step);

/**
 * The values `cos_cache` and `sin_cache`, [positions, rotaryDim / 2]: stored as initializers, or computed from two small
 * tables, which ONNX Runtime folds into constants when it creates the session. With position = 256·high + low:
 * cos(a + b) = cos a · cos b − sin a · sin b, sin(a + b) = sin a · cos b + cos a · sin b. The tables come from float64, so
 * the result is exact to float32 rounding at any position.
 */
export function writeRotaryCaches(genai: GenaiGraph): [cos: string, sin: string] {
  const { spec, graph } = genai.context;
  const type = spec.activations;
  const width = spec.rotaryDim / 2;
  if (spec.longRope) return writeLongRope(genai, spec.longRope);
  if (spec.rotaryCaches === 'stored') {
    const tables = () => rotaryTables(spec, range(spec.maxPositions));
    const dims = [spec.maxPositions, width];
    graph.weight('cos_cache', type, dims, () => floatBytes(tables().cos, type));
    graph.weight('sin_cache', type, dims, () => floatBytes(tables().sin, type));
    return ['cos_cache', 'sin_cache'];
  }
  const highRows = Math.ceil(spec.maxPositions / LOW);
  const high = rotaryTables(spec, range(highRows, LOW));
  const low = rotaryTables(spec, range(LOW));
  const table = (name: string, dims: number[], values: Float32Array) =>
    graph.weight(`rotary_tables.${name}`, 'float32', dims, () => floatBytes(values, 'float32'));
  const cosHigh = table('cos_high', [highRows, 1, width], high.cos);
  const sinHigh = table('sin_high', [highRows, 1, width], high.sin);
  const cosLow = table('cos_low', [1, LOW, width], low.cos);
  const sinLow = table('sin_low', [1, LOW, width], low.sin);

  const path = '/model/rotary_caches';
  const blocks = { type: 'float32' as const, shape: [highRows, LOW, width] };
  const sum = (name: string, op: string, first: [string, string], second: [string, string]) => {
    const a = genai.op('Mul', `${path}/${name}/Mul_1`, first, blocks);
    const b = genai.op('Mul', `${path}/${name}/Mul_2`, second, blocks);
    const both = genai.op(op, `${path}/${name}/${op}`, [a, b], blocks);
    const flat = genai.constant('int64', [highRows * LOW, inverseFrequencies(spec).length]);
    const result = { shape: [highRows * LOW, width], output: `${name}_cache` };
    if (type === 'float32') return genai.op('Reshape', `${path}/${name}/Reshape`, [both, flat], { ...result, type });
    const wide = genai.op('Reshape', `${path}/${name}/Reshape`, [both, flat], { type: 'float32', shape: result.shape });
    return genai.op('Cast', `${path}/${name}/Cast`, [wide], { ...result, type, attributes: { to: { int: 10 } } });
  };
  return [
    sum('cos', 'Sub', [cosHigh, cosLow], [sinHigh, sinLow]),
    sum('sin', 'Add', [sinHigh, cosLow], [cosHigh, sinLow]),
  ];
}

/** As onnxruntime-genai writes Phi-3.5 and Phi-4: the number of tokens so far chooses between two pairs of tables. */
function writeLongRope(genai: GenaiGraph, longRope: { switch: number; factor: number }): [cos: string, sin: string] {
  const { spec, graph } = genai.context;
  const path = '/model/rotemb_caches_subgraph';
  const width = spec.rotaryDim / 2;
  const branch = (name: 'large' | 'small', rows: number, divisor: number): GraphProto => {
    const tables = rotaryTables(spec, range(rows, 1 / divisor));
    const inner = new GraphWriter(false);
    for (const part of ['cos', 'sin'] as const) {
      const tensor = tensorProto('', spec.activations, [rows, width], floatBytes(tables[part], spec.activations));
      const outputs = [`${part}_cache_${name}`];
      inner.node({
        op: 'Constant',
        name: `/${name}/${part}_cache/Constant`,
        inputs: [],
        outputs,
        attributes: { value: { tensor } },
      });
      inner.output(outputs[0]!, spec.activations, [rows, width]);
    }
    return inner.finish();
  };
  const total = '/model/attn_mask_reformat/attn_mask_subgraph/Gather/output_0';
  const limit = genai.constant('int64', longRope.switch);
  const isLong = genai.op('Greater', `${path}/Greater`, [total, limit], { type: 'bool', shape: [] });
  graph.node({
    op: 'If',
    name: `${path}/If`,
    inputs: [isLong],
    outputs: ['cos_cache', 'sin_cache'],
    attributes: {
      then_branch: { graph: branch('large', spec.maxPositions, longRope.factor) },
      else_branch: { graph: branch('small', longRope.switch, 1) },
    },
  });
  return ['cos_cache', 'sin_cache'];
}
