import { floatBytes } from '../tensor-proto.js';
import { layerWeight } from '../weights.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';
import { writeLinear } from './genai-linear.js';
import { normOp } from './genai-norm.js';

/** Query, key and value of a layer; key and value are null when the query holds all three side by side. */
export interface Projections {
  query: string;
  key: string | null;
  value: string | null;
}

type Part = 'q' | 'k' | 'v';

/** The q, k and v projections with their biases and norms; `packed` allows one MatMul for all three. */
export function writeProjections(genai: GenaiGraph, layer: number, input: string, packed: boolean): Projections {
  const { spec } = genai.context;
  const path = `/model/layers.${layer}/attn`;
  const widths = {
    q: spec.numHeads * spec.headDim,
    k: spec.numKvHeads * spec.headDim,
    v: spec.numKvHeads * spec.headDim,
  };
  const project = (name: string, parts: readonly Part[]) =>
    writeLinear(genai, {
      path: `${path}/${name}`,
      input,
      sources: parts.map((part) => layerWeight(layer, `self_attn.${part}_proj.weight`)),
      inputSize: spec.hiddenSize,
      outputSize: parts.reduce((sum, part) => sum + widths[part], 0),
      biases: spec.attentionBias ? parts.map((part) => layerWeight(layer, `self_attn.${part}_proj.bias`)) : [],
    });

  let query: string;
  let key: string;
  let value: string;
  if (packed && spec.packedQkv) {
    const qkv = project('qkv_proj', ['q', 'k', 'v']);
    if (!spec.qkNorm) return { query: qkv, key: null, value: null };
    const outputs = [0, 1, 2].map((index) => `${path}/qkv_proj/Split/output_${index}`);
    const sizes = genai.constant('int64', [widths.q, widths.k, widths.v]);
    const { graph } = genai.context;
    graph.node({
      op: 'Split',
      name: `${path}/qkv_proj/Split`,
      inputs: [qkv, sizes],
      outputs,
      attributes: { axis: { int: -1 } },
    });
    for (const [index, part] of (['q', 'k', 'v'] as const).entries()) {
      graph.value(outputs[index]!, spec.activations, [BATCH, SEQUENCE, widths[part]]);
    }
    [query, key, value] = outputs as [string, string, string];
  } else {
    [query, key, value] = (['q', 'k', 'v'] as const).map((part) => project(`${part}_proj`, [part])) as [
      string,
      string,
      string,
    ];
  }
  if (spec.qkNorm) {
    query = writeHeadNorm(genai, layer, 'q', query, widths.q);
    key = writeHeadNorm(genai, layer, 'k', key, widths.k);
  }
  return { query, key, value };
}

/** RMS norm over each head: Reshape to heads, norm, Reshape back. */
function writeHeadNorm(genai: GenaiGraph, layer: number, part: 'q' | 'k', input: string, width: number): string {
  const { spec, graph, weights } = genai.context;
  const type = spec.activations;
  const path = `/model/layers.${layer}/attn/${part}_norm`;
  const weight = graph.weight(`model.layers.${layer}.attn.${part}_norm.layernorm.weight`, type, [spec.headDim], () =>
    floatBytes(weights.get(layerWeight(layer, `self_attn.${part}_norm.weight`)), type),
  );
  const heads = { type, shape: [BATCH, `${SEQUENCE} * ${width / spec.headDim}`, spec.headDim] };
  const split = genai.op(
    'Reshape',
    `${path}/Reshape_1`,
    [input, genai.constant('int64', [0, -1, spec.headDim])],
    heads,
  );
  const normed = genai.op(normOp(spec), `${path}/${normOp(spec)}`, [split, weight], {
    ...heads,
    attributes: { epsilon: { float: spec.rmsNormEps }, axis: { int: -1 }, stash_type: { int: 1 } },
  });
  return genai.op('Reshape', `${path}/Reshape_2`, [normed, genai.constant('int64', [0, -1, width])], {
    type,
    shape: [BATCH, SEQUENCE, width],
  });
}
