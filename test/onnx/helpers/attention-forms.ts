import type { Attribute } from '../../../models/builder/attributes.js';
import type { ElementType } from '../../../models/builder/tensor-proto.js';
import type { BuiltMask } from './masks.js';
import type { TinyGraph } from './tiny-graph.js';

export type AttentionForm = 'decomposed' | 'MultiHeadAttention' | 'Attention 3D' | 'Attention 4D';

export interface AttentionParts {
  heads: number;
  kvHeads: number;
  headDim: number;
  dtype: ElementType;
  layer: number;
  mask: BuiltMask | null;
  opset: number;
  /** Decomposed: where the scale is applied. */
  scaleOn: 'both' | 'queries' | 'scores' | 'divided';
  /** Decomposed: a graph input instead of a constant. */
  scaleInput: string;
  /** Decomposed: something that queries [batch, heads, rows, dim], keys or scores are multiplied by. */
  factor: { on: 'queries' | 'keys' | 'scores'; build: (g: TinyGraph) => string };
  /** Decomposed: Where(IsNaN(p), 0, p) behind the softmax. */
  nanGuard: boolean;
  softcap: number;
  /** Decomposed: computes scores in float32. */
  upcast: boolean;
  /** Decomposed: the mask is applied before the softcap. */
  maskFirst: boolean;
  /** Decomposed: what Where writes over removed scores. */
  filler: number;
  /** Decomposed: the probabilities are a graph output. */
  exposeProbabilities: boolean;
  /** Decomposed: the result stays [batch, heads, rows, dim] up to a later reshape. */
  lateMerge: boolean;
  /** All: keys and values of layer 0 for every layer. */
  shareCache: boolean;
  /** Fused forms: attributes in addition. */
  attributes: Record<string, Attribute>;
  /** Fused forms: inputs at further places. */
  inputs: Record<number, string>;
  /** Fused forms: past and new rows are put together before the op, which has no cache of its own. */
  outsideCache: boolean;
}

type Parts = Partial<AttentionParts> &
  Pick<AttentionParts, 'heads' | 'kvHeads' | 'headDim' | 'dtype' | 'layer' | 'mask' | 'opset'>;

interface Operands {
  query: string;
  key: string;
  value: string;
  past: [string, string];
  present: [string, string];
}

/** Attention on `x` [batch, rows, width]; gives [batch, rows, heads · dim] before the output projection. */
export function writeAttention(g: TinyGraph, form: AttentionForm, x: string, parts: Parts): string {
  const { heads, kvHeads, headDim, dtype, layer } = parts;
  const width = heads * headDim;
  const project = (name: string, count: number) =>
    g.node('MatMul', [x, g.random(`${name}.${layer}`, [width, count * headDim], dtype)]);
  const from = parts.shareCache ? 0 : layer;
  const operands: Operands = {
    query: project('q', heads),
    key: project('k', kvHeads),
    value: project('v', kvHeads),
    past: [`past_key_values.${from}.key`, `past_key_values.${from}.value`],
    present: [`present.${from}.key`, `present.${from}.value`],
  };
  if (form === 'decomposed') return decomposed(g, operands, parts);
  return form === 'MultiHeadAttention' ? multiHead(g, operands, parts) : standard(g, operands, parts, form);
}

const PERM = { perm: { ints: [0, 2, 1, 3] } };

const split = (g: TinyGraph, value: string, heads: number, headDim: number) =>
  g.node('Transpose', [g.node('Reshape', [value, g.constant([0, 0, heads, headDim])])], { attributes: PERM });

function decomposed(g: TinyGraph, { query, key, value, past, present }: Operands, parts: Parts): string {
  const { heads, kvHeads, headDim, dtype } = parts;
  const q = split(g, query, heads, headDim);
  const concat = (i: 0 | 1, fresh: string) =>
    g.node('Concat', [past[i], split(g, fresh, kvHeads, headDim)], {
      attributes: { axis: { int: -2 } },
      outputs: [present[i]],
    });
  const isOwner = !parts.shareCache || parts.layer === 0;
  const keys = isOwner ? concat(0, key) : present[0];
  const values = isOwner ? concat(1, value) : present[1];
  const scores = scoresOf(g, q, repeat(g, keys, parts), parts);
  let probabilities = g.node('Softmax', [scores], { attributes: { axis: { int: -1 } } });
  if (parts.upcast) probabilities = g.node('Cast', [probabilities], { attributes: { to: { int: 10 } } });
  if (parts.exposeProbabilities) g.output(probabilities, dtype, ['batch_size', heads, 'rows', 'keys']);
  if (parts.nanGuard) {
    const unseen = g.node('IsNaN', [probabilities]);
    probabilities = g.node('Where', [unseen, g.constant(0, dtype), probabilities]);
  }
  const attended = g.node('MatMul', [probabilities, repeat(g, values, parts)]);
  if (parts.lateMerge) {
    const doubled = g.node('Add', [attended, g.constant(0, dtype)]);
    return merge(g, doubled, heads * headDim);
  }
  return merge(g, attended, heads * headDim);
}

const merge = (g: TinyGraph, value: string, width: number) =>
  g.node('Reshape', [g.node('Transpose', [value], { attributes: PERM }), g.constant([0, 0, width])]);

/** q·kᵀ with scale, softcap and mask. */
function scoresOf(g: TinyGraph, q: string, keys: string, parts: Parts): string {
  const type: ElementType = parts.upcast ? 'float32' : parts.dtype;
  const up = (value: string) => (parts.upcast ? g.node('Cast', [value], { attributes: { to: { int: 1 } } }) : value);
  const number = (value: number) => g.constant(value, type);
  const scale = 1 / Math.sqrt(parts.headDim);
  const on = parts.scaleOn ?? 'both';
  let left = up(q);
  let right = g.node('Transpose', [up(keys)], { attributes: { perm: { ints: [0, 1, 3, 2] } } });
  if (on === 'both') {
    left = g.node('Mul', [left, number(Math.sqrt(scale))]);
    right = g.node('Mul', [right, number(Math.sqrt(scale))]);
  }
  if (on === 'queries') left = g.node('Mul', [left, number(scale)]);
  const { factor } = parts;
  if (factor?.on === 'queries') left = g.node('Mul', [left, factor.build(g)]);
  if (factor?.on === 'keys') right = g.node('Mul', [factor.build(g), right]);
  let scores = g.node('MatMul', [left, right]);
  if (factor?.on === 'scores') scores = g.node('Mul', [scores, factor.build(g)]);
  if (on === 'scores') scores = g.node('Mul', [scores, parts.scaleInput ?? number(scale)]);
  if (on === 'divided') scores = g.node('Div', [scores, number(1 / scale)]);
  if (parts.maskFirst) scores = masked(g, scores, parts, type);
  if (parts.softcap) {
    const bounded = g.node('Tanh', [g.node('Div', [scores, number(parts.softcap)])]);
    scores = g.node('Mul', [bounded, number(parts.softcap)]);
  }
  return parts.maskFirst ? scores : masked(g, scores, parts, type);
}

function masked(g: TinyGraph, scores: string, { mask, filler = -65000 }: Parts, type: ElementType): string {
  if (!mask) return scores;
  const low = g.constant(filler, type);
  if (mask.kind === 'allowed') return g.node('Where', [mask.name, scores, low]);
  if (mask.kind === 'masked') return g.node('Where', [mask.name, low, scores]);
  return g.node('Add', [scores, mask.name]);
}

/** Each KV head once per query head of its group. */
function repeat(g: TinyGraph, value: string, { heads, kvHeads, headDim }: Parts): string {
  if (heads === kvHeads) return value;
  const shape = g.node('Shape', [value]);
  const at = (axis: number) => g.node('Gather', [shape, g.constant([axis])]);
  const target = (dims: string[]) => g.node('Concat', dims, { attributes: { axis: { int: 0 } } });
  const wide = g.node('Unsqueeze', [value, g.constant([2])]);
  const group = g.constant([heads / kvHeads]);
  const expanded = g.node('Expand', [wide, target([at(0), at(1), group, at(2), g.constant([headDim])])]);
  return g.node('Reshape', [expanded, target([at(0), g.constant([heads]), at(2), g.constant([headDim])])]);
}

/** A mask as a number to add, which is all that MultiHeadAttention takes. */
function asBias(g: TinyGraph, { name, kind }: BuiltMask): string {
  if (kind === 'additive') return name;
  const values = [g.constant(0, 'float32'), g.constant(-1e9, 'float32')];
  return g.node('Where', [name, ...(kind === 'allowed' ? values : values.reverse())]);
}

function withInputs(list: string[], inputs: Record<number, string> = {}): string[] {
  const all = [...list];
  for (const [place, name] of Object.entries(inputs)) {
    while (all.length <= Number(place)) all.push('');
    all[Number(place)] = name;
  }
  return all;
}

/** Past and new rows, [batch, kv_heads, total, dim]. */
const together = (g: TinyGraph, past: string, fresh: string, present: string) =>
  g.node('Concat', [past, fresh], { attributes: { axis: { int: 2 } }, outputs: [present] });

function multiHead(g: TinyGraph, { query, key, value, past, present }: Operands, parts: Parts): string {
  const bias = parts.mask ? asBias(g, parts.mask) : '';
  const name = `attention.${parts.layer}`;
  if (parts.outsideCache) {
    const { heads, kvHeads, headDim } = parts;
    const rows = [key, value].map((fresh, i) => {
      const all = together(g, past[i]!, split(g, fresh, kvHeads, headDim), present[i]!);
      return merge(g, repeat(g, all, parts), heads * headDim);
    });
    return g.node('MultiHeadAttention', withInputs([query, ...rows, '', '', bias], parts.inputs), {
      name,
      domain: 'com.microsoft',
      attributes: { num_heads: { int: heads }, ...parts.attributes },
    });
  }
  return g.node('MultiHeadAttention', withInputs([query, key, value, '', '', bias, ...past], parts.inputs), {
    name,
    domain: 'com.microsoft',
    outputs: [`${name}:0`, ...present],
    attributes: { num_heads: { int: parts.heads }, ...parts.attributes },
  });
}

function standard(
  g: TinyGraph,
  { query, key, value, past, present }: Operands,
  parts: Parts,
  form: 'Attention 3D' | 'Attention 4D',
): string {
  const { heads, kvHeads, headDim } = parts;
  const name = `attention.${parts.layer}`;
  const is3D = form === 'Attention 3D';
  const operands = is3D
    ? [query, key, value]
    : [split(g, query, heads, headDim), split(g, key, kvHeads, headDim), split(g, value, kvHeads, headDim)];
  if (parts.outsideCache) {
    const rows = [1, 2].map((i) => together(g, past[i - 1]!, operands[i]!, present[i - 1]!));
    const inputs = withInputs([operands[0]!, ...rows, parts.mask?.name ?? ''], parts.inputs);
    const whole = g.node('Attention', inputs, { name, attributes: parts.attributes ?? {} });
    return merge(g, whole, heads * headDim);
  }
  const counts: Record<string, Attribute> = is3D ? { q_num_heads: { int: heads }, kv_num_heads: { int: kvHeads } } : {};
  const result = g.node('Attention', withInputs([...operands, parts.mask?.name ?? '', ...past], parts.inputs), {
    name,
    outputs: [`${name}:0`, ...present],
    attributes: { ...counts, ...parts.attributes },
  });
  return is3D ? result : merge(g, result, heads * headDim);
}
