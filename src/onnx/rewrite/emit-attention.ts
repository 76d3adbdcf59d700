import type { AttributeProto } from 'onnx-buf';
import { defined } from '../../utils/defined.js';
import { floatAttr, intAttr } from '../attribute.js';
import type { Graph } from '../graph.js';
import type { AttentionLayer } from '../types.js';
import { ELEMENT } from '../value-info.js';
import type { AttentionMatch } from './rule.js';

export const DOMAIN = 'ai.minference';
/** Fields of a row of AttentionProbe's scores; kernels/include/minference/pattern.h names them. */
const SCORE_FIELDS = 8;
/** Place of SparseAttention's log-sum-exp. */
const LSE_OUTPUT = 3;

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

/** `indices`: SparseAttention that also takes explicit indices and gives those that it built. */
export type AttentionKind = 'prefill' | 'indices' | 'probe';

const INDEX_PORTS = [
  ['range_offsets', ELEMENT.int64, []],
  ['ranges', ELEMENT.int32, [2]],
  ['column_offsets', ELEMENT.int64, []],
  ['columns', ELEMENT.int32, []],
] as const;

/** Puts SparseAttention (or AttentionProbe) where `match` found attention. */
export function emitAttention(graph: Graph, match: AttentionMatch, layer: number, kind: AttentionKind): AttentionLayer {
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
  if (kind !== 'probe') {
    const patternsInput = `minference.patterns.${layer}`;
    graph.addInput(patternsInput, ELEMENT.int32, [numHeads, 4]);
    const indices = kind === 'indices' ? indexPorts(graph, layer) : undefined;
    // The log-sum-exp stands between.
    const given = indices ? [...outputs, ...Array<string>(LSE_OUTPUT + 1 - outputs.length).fill('')] : outputs;
    graph.add({
      ...node,
      opType: 'SparseAttention',
      inputs: [...inputs, patternsInput, ...(indices?.inputs ?? [])],
      outputs: [...given, ...(indices?.outputs ?? [])],
    });
    return { ...base, patternsInput, ...defined({ indices }) };
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

/** Declares a layer's ports of indices. */
function indexPorts(graph: Graph, layer: number): NonNullable<AttentionLayer['indices']> {
  const ports = (side: string, declare: Graph['addInput']) =>
    INDEX_PORTS.map(([port, type, dimensions]) => {
      const name = `minference.${side}.${port}.${layer}`;
      declare.call(graph, name, type, [`${side}.${port}.${layer}.count`, ...dimensions]);
      return name;
    });
  return { inputs: ports('explicit', graph.addInput), outputs: ports('index', graph.addOutput) };
}
