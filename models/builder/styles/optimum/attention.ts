import { layerWeight } from '../../weights.js';
import { writeOptimumLinear } from './linear.js';
import { writeOptimumNorm } from './norm.js';
import type { OptimumScope } from './optimum-scope.js';
import { writeOptimumRotation } from './rotary.js';

export interface OptimumAttention {
  layer: number;
  normed: string;
  /** The mask this layer sees, bool [batch, 1, sequence, total]. */
  mask: string;
  /** Angles with a heads axis, [batch, 1, sequence, rotaryDim]; made by the first layer and shared with the others. */
  angles: (scope: OptimumScope) => { cos: string; sin: string };
}

/** Attention in single ops, as torch.onnx decomposes scaled_dot_product_attention with a mask; with the projections. */
export function writeOptimumAttention(scope: OptimumScope, options: OptimumAttention): string {
  const { spec } = scope.context;
  const { layer, normed, mask } = options;
  const batch = scope.dimension(normed, 0);
  const sequence = scope.dimension(normed, 1);
  const { q, k, v } = writeHeads(scope, options, { batch, sequence });
  const { cos, sin } = options.angles(scope);
  const query = writeOptimumRotation(scope, q, cos, sin);
  const key = writeOptimumRotation(scope, k, cos, sin);
  const keys = scope.concat([`past_key_values.${layer}.key`, key], -2, `present.${layer}.key`);
  const values = scope.concat([`past_key_values.${layer}.value`, v], -2, `present.${layer}.value`);
  const group = spec.numHeads / spec.numKvHeads;
  const allKeys = group === 1 ? keys : repeatHeads(scope, keys, group);
  const allValues = group === 1 ? values : repeatHeads(scope, values, group);

  const total = scope.dimension(allKeys, 2);
  const axis = scope.int64([3]);
  const start = scope.int64([0]);
  const seen = scope.op('Slice', [mask, start, scope.unsqueeze(total, 0), axis, scope.int64([1])]);
  const turned = scope.transpose(allKeys, [0, 1, 3, 2]);
  const type = spec.activations;
  const root = Math.sqrt(1 / Math.sqrt(spec.headDim));
  const scaledQuery = scope.op('Mul', [query, scope.constant(type, root)]);
  const scaledKeys = scope.op('Mul', [turned, scope.constant(type, root)]);
  const scores = scope.op('MatMul', [scaledQuery, scaledKeys]);
  const zero = scope.constant(type, [0]);
  const bias = scope.op('Where', [seen, zero, scope.constant(type, [Number.NEGATIVE_INFINITY])]);
  const biased = scope.op('Add', [scores, bias]);
  const weights = scope.op('Softmax', [biased], { axis: { int: -1 } });
  const undefinedRows = scope.op('IsNaN', [weights]);
  const clean = scope.op('Where', [undefinedRows, scope.constant(type, [0]), weights]);
  const attended = scope.transpose(scope.op('MatMul', [clean, allValues]), [0, 2, 1, 3]);
  const shape = [scope.unsqueezeFolded(batch), scope.unsqueezeFolded(sequence), scope.int64([-1])];
  const flat = scope.reshape(attended, scope.concat(shape, 0));
  return writeOptimumLinear(scope.child('o_proj'), {
    input: flat,
    source: layerWeight(layer, 'self_attn.o_proj.weight'),
    inputSize: spec.numHeads * spec.headDim,
    outputSize: spec.hiddenSize,
  });
}

/** q, k and v as [batch, heads, sequence, headDim]. */
function writeHeads(
  scope: OptimumScope,
  { layer, normed }: OptimumAttention,
  { batch, sequence }: { batch: string; sequence: string },
): Record<'q' | 'k' | 'v', string> {
  const { spec } = scope.context;
  const project = (part: 'q' | 'k' | 'v') =>
    writeOptimumLinear(scope.child(`${part}_proj`), {
      input: normed,
      source: layerWeight(layer, `self_attn.${part}_proj.weight`),
      ...(spec.attentionBias ? { bias: layerWeight(layer, `self_attn.${part}_proj.bias`) } : {}),
      inputSize: spec.hiddenSize,
      outputSize: (part === 'q' ? spec.numHeads : spec.numKvHeads) * spec.headDim,
    });
  const query = project('q');
  const headShape = () => {
    const sizes = [scope.unsqueezeFolded(batch), scope.unsqueezeFolded(sequence)];
    return scope.concat([...sizes, scope.int64([-1]), scope.int64([spec.headDim])], 0);
  };
  const shapes = { q: headShape(), k: headShape(), v: headShape() };
  const split = (part: 'q' | 'k' | 'v', projected: string) => {
    let heads = scope.reshape(projected, shapes[part]);
    if (spec.qkNorm && part !== 'v') {
      const weight = layerWeight(layer, `self_attn.${part}_norm.weight`);
      heads = writeOptimumNorm(scope.child(`${part}_norm`), { input: heads, weight, size: spec.headDim }).normed;
    }
    return scope.transpose(heads, [0, 2, 1, 3]);
  };
  return { q: split('q', query), k: split('k', project('k')), v: split('v', project('v')) };
}

/** transformers' repeat_kv: [batch, kvHeads, total, headDim] → [batch, kvHeads · group, total, headDim]. */
function repeatHeads(scope: OptimumScope, input: string, group: number): string {
  const [batch, heads, total, width] = [0, 1, 2, 3].map((axis) => scope.dimension(input, axis)) as [
    string,
    string,
    string,
    string,
  ];
  const wide = scope.unsqueeze(input, 2);
  const shape = [scope.unsqueeze(batch, 0), scope.unsqueeze(heads, 0), scope.int64([group])];
  const repeated = scope.expand(wide, [...shape, scope.unsqueeze(total, 0), scope.unsqueeze(width, 0)]);
  const allHeads = scope.op('Mul', [heads, scope.int64(group)]);
  const sizes = [batch, allHeads, total, width].map((size) => scope.unsqueezeFolded(size));
  return scope.reshape(repeated, scope.concat(sizes, 0));
}
