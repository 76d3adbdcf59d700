import type { ElementType } from '../../../models/builder/tensor-proto.js';
import type { OnnxModel } from '../../../src/onnx/types.js';
import { type AttentionForm, type AttentionParts, writeAttention } from './attention-forms.js';
import { type BuiltMask, buildMask, type MaskName } from './masks.js';
import { TinyGraph } from './tiny-graph.js';

export interface TinyDecoderSpec {
  form: AttentionForm;
  mask?: MaskName;
  layers?: number;
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  /** Activations and cache. */
  dtype?: 'float32' | 'float16';
  opset?: number;
  /** Leave out the attention_mask input. */
  withoutMaskInput?: boolean;
  /** Changes to the attention, for near-misses. */
  parts?: Partial<AttentionParts>;
  /** Called for every layer's input and output of attention, to put something else into the graph. */
  tamper?: (g: TinyGraph, hidden: string, layer: number) => string;
  /** Called for the product of the LM head, to put something between it and the logits. */
  behindHead?: (g: TinyGraph, logits: string) => string;
}

export const VOCABULARY = 96;

/**
 * A decoder of plain ops around one form of attention: embedding, RMS norms in single nodes, gated MLP, residual sums, LM
 * head. Its value types are not declared, so that everything has to be inferred.
 */
export function tinyDecoder(spec: TinyDecoderSpec): OnnxModel {
  const { layers = 2, heads = 4, kvHeads = 2, headDim = 8, dtype = 'float32' } = spec;
  const g = new TinyGraph();
  const width = heads * headDim;
  const total = 'total_sequence_length';
  g.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  if (!spec.withoutMaskInput) g.input('attention_mask', 'int64', ['batch_size', total]);
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of ['key', 'value']) {
      g.input(`past_key_values.${layer}.${kind}`, dtype, ['batch_size', kvHeads, 'past_sequence_length', headDim]);
      g.output(`present.${layer}.${kind}`, dtype, ['batch_size', kvHeads, total, headDim]);
    }
  }
  const mask: BuiltMask | null = spec.mask ? buildMask(g, spec.mask) : null;
  let hidden = g.node('Gather', [g.random('embedding', [VOCABULARY, width], dtype), 'input_ids']);
  for (let layer = 0; layer < layers; layer++) {
    const normed = norm(g, hidden, dtype);
    const parts = { heads, kvHeads, headDim, dtype, layer, mask, opset: spec.opset ?? 18, ...spec.parts };
    const attended = writeAttention(g, spec.form, normed, parts);
    const projected = g.node('MatMul', [attended, g.random(`o.${layer}`, [width, width], dtype)]);
    hidden = g.node('Add', [hidden, projected]);
    hidden = g.node('Add', [hidden, mlp(g, norm(g, hidden, dtype), layer, width, dtype)]);
    hidden = spec.tamper?.(g, hidden, layer) ?? hidden;
  }
  const head = g.random('head', [width, VOCABULARY], dtype);
  const last = norm(g, hidden, dtype);
  if (spec.behindHead) {
    g.node('Identity', [spec.behindHead(g, g.node('MatMul', [last, head]))], { outputs: ['logits'] });
  } else g.node('MatMul', [last, head], { name: 'lm_head', outputs: ['logits'] });
  g.output('logits', dtype, ['batch_size', 'sequence_length', VOCABULARY]);
  return g.model(spec.opset);
}

/** x / sqrt(mean(x²) + ε), as exporters without a fused norm write it. */
function norm(g: TinyGraph, x: string, dtype: ElementType): string {
  const square = g.node('Pow', [x, g.constant(2, dtype)]);
  const mean = g.node('ReduceMean', [square, g.constant([-1])], { attributes: { keepdims: { int: 1 } } });
  const root = g.node('Sqrt', [g.node('Add', [mean, g.constant(1e-3, dtype)])]);
  return g.node('Mul', [x, g.node('Div', [g.constant(1, dtype), root])]);
}

function mlp(g: TinyGraph, x: string, layer: number, width: number, dtype: ElementType): string {
  const gate = g.node('MatMul', [x, g.random(`gate.${layer}`, [width, 2 * width], dtype)]);
  const up = g.node('MatMul', [x, g.random(`up.${layer}`, [width, 2 * width], dtype)]);
  const gated = g.node('Mul', [g.node('Mul', [gate, g.node('Sigmoid', [gate])]), up]);
  return g.node('MatMul', [gated, g.random(`down.${layer}`, [2 * width, width], dtype)]);
}
