import { MinferenceError } from '../../errors.js';
import { findTokens } from '../find-tokens.js';
import type { Graph } from '../graph.js';
import type { AttentionLayer, DecoderIo } from '../types.js';

const KV_DTYPES: Record<number, DecoderIo['kvDtype']> = { 1: 'float32', 10: 'float16', 16: 'bfloat16' };

const named = (names: readonly string[], pattern: RegExp) => names.find((name) => pattern.test(name)) ?? null;

function unsupported(expected: string, found: string): MinferenceError {
  return new MinferenceError('MODEL_UNSUPPORTED', `expected ${expected}, found ${found}`, {
    hint: 'export the decoder for text generation with past, e.g. with onnxruntime-genai’s builder or Optimum',
  });
}

/** Name of the logits output: called so, or the one output of three dimensions that belongs to no cache. */
export function findLogits(graph: Graph): string {
  const exact = named(graph.outputs, /^logits$/) ?? named(graph.outputs, /logits/);
  if (exact) return exact;
  const candidates = graph.outputs.filter((name) => graph.type(name)?.shape?.length === 3);
  if (candidates.length === 1) return candidates[0]!;
  throw unsupported('an output named logits', graph.outputs.slice(0, 8).join(', '));
}

/** Roles of inputs and outputs, by the names that exporters write. `layers` may come before or after the rewriting. */
export function findDecoderIo(
  graph: Graph,
  layers: readonly AttentionLayer[],
  logits: { name: string; rows: DecoderIo['logitsRows'] },
): DecoderIo {
  const elementType = graph.type(layers[0]!.pastKey)?.elementType ?? 1;
  const kvDtype = KV_DTYPES[elementType];
  if (!kvDtype) throw unsupported('a KV cache of float32, float16 or bfloat16', `element type ${elementType}`);
  return {
    inputIds: findTokens(graph),
    attentionMask: named(graph.inputs, /^attention_mask$/) ?? named(graph.inputs, /attention_mask/),
    positionIds: named(graph.inputs, /^position_ids$/) ?? named(graph.inputs, /position_ids/),
    logits: logits.name,
    logitsRows: logits.rows,
    kvDtype,
  };
}
