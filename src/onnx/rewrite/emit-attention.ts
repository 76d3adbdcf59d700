import type { AttributeProto } from 'onnx-buf';
import { floatAttr, intAttr } from '../attribute.js';
import type { Graph } from '../graph.js';
import type { AttentionLayer } from '../types.js';
import { ELEMENT } from '../value-info.js';
import type { AttentionMatch } from './rule.js';

export const DOMAIN = 'ai.minference';
/** Fields of a row of AttentionProbe's scores; kernels/include/minference/pattern.h names them. */
const SCORE_FIELDS = 8;

function attributes({ numHeads, numKvHeads, attributes: a }: AttentionMatch): AttributeProto[] {
  return [
    intAttr('num_heads', numHeads),
    intAttr('kv_num_heads', numKvHeads),
    floatAttr('scale', a.scale ?? 0),
    floatAttr('softcap', a.softcap ?? 0),
    intAttr('do_rotary', a.doRotary ? 1 : 0),
    intAttr('rotary_interleaved', a.rotaryInterleaved ? 1 : 0),
    intAttr('local_window_size', a.window ?? -1),
  ];
}

/** Puts SparseAttention (or AttentionProbe) where `match` found attention. */
export function emitAttention(
  graph: Graph,
  match: AttentionMatch,
  layer: number,
  kind: 'prefill' | 'probe',
): AttentionLayer {
  const { inputs, outputs } = match.wire(graph);
  const { numHeads, numKvHeads, headDim } = match;
  const base: AttentionLayer = {
    layer,
    node: match.node.name || match.node.output[0]!,
    source: match.source,
    numHeads,
    numKvHeads,
    headDim,
    window: match.attributes.window,
    pastKey: match.pastKey,
    pastValue: match.pastValue,
    presentKey: match.presentKey,
    presentValue: match.presentValue,
  };
  const node = { name: base.node, domain: DOMAIN, attributes: attributes(match) };
  if (kind === 'prefill') {
    const patternsInput = `minference.patterns.${layer}`;
    graph.addInput(patternsInput, ELEMENT.int32, [numHeads, 4]);
    graph.add({ ...node, opType: 'SparseAttention', inputs: [...inputs, patternsInput], outputs });
    return { ...base, patternsInput };
  }
  const candidatesInput = `minference.candidates.${layer}`;
  const budgetInput = `minference.budget.${layer}`;
  const scoresOutput = `minference.scores.${layer}`;
  const count = `candidates.${layer}`;
  // The same candidates for all heads, or each head's own.
  graph.addInput(candidatesInput, ELEMENT.int32, [`candidate_heads.${layer}`, count, 4]);
  graph.addInput(budgetInput, ELEMENT.float32, [1]);
  graph.addOutput(scoresOutput, ELEMENT.float32, [numHeads, count, SCORE_FIELDS]);
  graph.add({
    ...node,
    opType: 'AttentionProbe',
    inputs: [...inputs, candidatesInput, budgetInput],
    outputs: [...outputs, scoresOutput],
  });
  return { ...base, candidatesInput, budgetInput, scoresOutput };
}
