import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../graph.js';
import type { RewriteReport, SkippedNode } from '../types.js';
import { decomposedAttention } from './decomposed-attention.js';
import { groupQueryAttention } from './group-query-attention.js';
import { multiHeadAttention } from './multi-head-attention.js';
import { onnxAttention } from './onnx-attention.js';
import { type AttentionMatch, type AttentionRule, NoMatch } from './rule.js';

/** In this order; a node is the first rule's whose anchor it is. */
export const RULES: readonly AttentionRule[] = [
  groupQueryAttention,
  multiHeadAttention,
  onnxAttention,
  decomposedAttention,
];

export interface FoundAttention {
  /** In graph order. */
  matches: AttentionMatch[];
  skipped: SkippedNode[];
  counts: RewriteReport['rules'];
}

/** Every attention of the graph that the op can take over, and why the others are left alone. */
export function findAttention(graph: Graph): FoundAttention {
  const matches: AttentionMatch[] = [];
  const skipped: SkippedNode[] = [];
  const counts = RULES.map(({ name }) => ({ rule: name, matched: 0, rewritten: 0 }));
  for (const node of graph.nodes) {
    const index = RULES.findIndex((rule) => rule.isAnchor(node));
    if (index < 0) continue;
    counts[index]!.matched++;
    const match = tryMatch(graph, RULES[index]!, node, skipped);
    if (!match) continue;
    counts[index]!.rewritten++;
    matches.push(match);
  }
  return { matches, skipped, counts };
}

function tryMatch(graph: Graph, rule: AttentionRule, node: NodeProto, skipped: SkippedNode[]): AttentionMatch | null {
  try {
    return rule.match(graph, node);
  } catch (error) {
    if (!(error instanceof NoMatch)) throw error;
    skipped.push({ node: node.name || node.output[0]!, opType: node.opType, reason: error.message });
    return null;
  }
}
