import { donorOf } from '../../shape.js';
import { ELEMENT_TYPE } from '../../tensor-proto.js';
import { layerWeight } from '../../weights.js';
import { writeOptimumLinear } from './linear.js';
import { writeOptimumNorm } from './norm.js';
import { END, type OptimumScope } from './optimum-scope.js';
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
  const kind = spec.layerKinds[layer];
  const { q, k, v } = writeHeads(scope, options, { batch, sequence });
  const { cos, sin } = options.angles(scope);
  const query = writeOptimumRotation(scope, q, cos, sin);
  const cached = (part: 'key' | 'value', rows: () => string) =>
    kind === 'shared' ? `present.${donorOf(spec, layer)}.${part}` : writeCache(scope, layer, part, rows());
  const keys = cached('key', () => writeOptimumRotation(scope, k, cos, sin));
  const values = cached('value', () => v);
  const group = spec.numHeads / spec.numKvHeads;
  const allKeys = group === 1 ? keys : repeatHeads(scope, keys, group);
  const allValues = group === 1 ? values : repeatHeads(scope, values, group);

  const total = scope.dimension(allKeys, 2);
  const axis = scope.int64([3]);
  const start = scope.int64([0]);
  const end = scope.unsqueeze(total, 0);
  // A window's cache holds the last keys of those that the mask is for.
  const bounds = kind === 'sliding' ? [scope.op('Neg', [end]), scope.int64([END])] : [start, end];
  const seen = scope.op('Slice', [mask, ...bounds, axis, scope.int64([1])]);
  const turned = scope.transpose(allKeys, [0, 1, 3, 2]);
  const type = spec.activations;
  const root = Math.sqrt(1 / Math.sqrt(spec.headDim));
  const scaledQuery = scope.op('Mul', [query, scope.constant(type, root)]);
  const scaledKeys = scope.op('Mul', [turned, scope.constant(type, root)]);
  const product = scope.op('MatMul', [scaledQuery, scaledKeys]);
  const scores = kind === 'biased' ? scope.op('Add', [product, writeBias(scope, options, total)]) : product;
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

/** Past and new rows: the present, or, of a sliding layer, what the present is cut from. */
function writeCache(scope: OptimumScope, layer: number, part: 'key' | 'value', rows: string): string {
  const { layerKinds, slidingWindow } = scope.context.spec;
  const parts = [`past_key_values.${layer}.${part}`, rows];
  const present = `present.${layer}.${part}`;
  if (layerKinds[layer] !== 'sliding') return scope.concat(parts, -2, present);
  const all = scope.concat(parts, -2);
  const kept = 1 - slidingWindow!.size;
  const range = [scope.int64([kept]), scope.int64([END]), scope.int64([2]), scope.int64([1])];
  scope.op('Slice', [all, ...range], {}, present);
  return all;
}

/** A slope that each row chooses for each head, times the key's position: [batch, heads, sequence, total]. */
function writeBias(scope: OptimumScope, { layer, normed }: OptimumAttention, total: string): string {
  const { spec } = scope.context;
  const slopes = writeOptimumLinear(scope.child('slope'), {
    input: normed,
    source: layerWeight(layer, 'self_attn.slope.weight'),
    inputSize: spec.hiddenSize,
    outputSize: spec.numHeads,
  });
  const column = scope.unsqueeze(scope.transpose(slopes, [0, 2, 1]), 3);
  const positions = scope.op('Range', [scope.int64(0), total, scope.int64(1)]);
  const scaled = scope.op('Mul', [
    scope.cast(positions, ELEMENT_TYPE[spec.activations]),
    scope.constant(spec.activations, 0.02),
  ]);
  return scope.op('Mul', [column, scaled]);
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
  const isShared = spec.layerKinds[layer] === 'shared';
  const shapes = { q: headShape(), k: isShared ? '' : headShape(), v: isShared ? '' : headShape() };
  const split = (part: 'q' | 'k' | 'v', projected: string) => {
    let heads = scope.reshape(projected, shapes[part]);
    if (spec.qkNorm && part !== 'v') {
      const weight = layerWeight(layer, `self_attn.${part}_norm.weight`);
      heads = writeOptimumNorm(scope.child(`${part}_norm`), { input: heads, weight, size: spec.headDim }).normed;
    }
    return scope.transpose(heads, [0, 2, 1, 3]);
  };
  const q = split('q', query);
  // A layer that reads another one's keys and values makes none.
  if (isShared) return { q, k: '', v: '' };
  return { q, k: split('k', project('k')), v: split('v', project('v')) };
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
