import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import type { RewriteReport, SkippedNode } from '../types.js';
import { analyze } from './analysis.js';
import { decomposedAttention } from './decomposed-attention.js';
import { groupQueryAttention } from './group-query-attention.js';
import { multiHeadAttention } from './multi-head-attention.js';
import { onnxAttention } from './onnx-attention.js';
import type { PlacedAttention } from './place-layers.js';
import { type AttentionMatch, type AttentionRule, NoMatch, require } from './rule.js';
import { unknownAttention } from './unknown-attention.js';

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
  /** Both, in graph order. */
  attentions: PlacedAttention[];
  counts: RewriteReport['rules'];
}

/** Every attention of the graph that the op can take over, and why the others are left alone. */
export function findAttention(graph: Graph): FoundAttention {
  const matches: AttentionMatch[] = [];
  const skipped: SkippedNode[] = [];
  const attentions: PlacedAttention[] = [];
  const owners = new Map<string, NodeProto>();
  const counts = RULES.map(({ name }) => ({ rule: name, matched: 0, rewritten: 0 }));
  for (const node of graph.nodes) {
    const index = RULES.findIndex((rule) => rule.isAnchor(graph, node));
    if (index < 0) continue;
    counts[index]!.matched++;
    const match = tryMatch(graph, RULES[index]!, node, { owners, skipped });
    if (!match) {
      attentions.push(leftAlone(graph, node, skipped.at(-1)!));
      continue;
    }
    counts[index]!.rewritten++;
    matches.push(match);
    attentions.push({ node: nameOf(node), cache: match.pastKey, skipped: null, numHeads: match.numHeads });
  }
  if (attentions.length === 0) skipped.push(...unknownAttention(graph));
  return { matches, skipped, attentions, counts };
}

function leftAlone(graph: Graph, node: NodeProto, skipped: SkippedNode): PlacedAttention {
  const cache = node.input.find((name) => graph.isInput(name) && /key/.test(name)) ?? null;
  return { node: nameOf(node), cache, skipped, numHeads: headsOf(graph, node) };
}

/** Query heads by a fused op's attribute, or of the scores [batch, heads, rows, keys] of a softmax; 0 when neither says it. */
function headsOf(graph: Graph, node: NodeProto): number {
  const declared = intAttribute(node, 'num_heads', 0) || intAttribute(node, 'q_num_heads', 0);
  if (declared > 0) return declared;
  const scores = analyze(graph).shape(node.input[0] ?? '');
  return scores?.length === 4 ? scores[1]! : 0;
}

interface MatchState {
  /** Which node a cache belongs to already. */
  owners: Map<string, NodeProto>;
  skipped: SkippedNode[];
}

const nameOf = (node: NodeProto) => node.name || node.output[0] || node.opType;

function tryMatch(graph: Graph, rule: AttentionRule, node: NodeProto, state: MatchState): AttentionMatch | null {
  try {
    const match = rule.match(graph, node);
    const cache = [match.pastKey, match.pastValue, match.presentKey, match.presentValue];
    const owner = cache.map((name) => state.owners.get(name)).find((other) => other !== undefined);
    require(!owner, `its KV cache is that of ${owner ? nameOf(owner) : ''}: layers that share one are not known`);
    require(new Set(cache).size === cache.length, 'its keys and values are one cache');
    for (const name of cache) state.owners.set(name, node);
    return match;
  } catch (error) {
    if (!(error instanceof NoMatch)) throw error;
    state.skipped.push({ node: nameOf(node), opType: node.opType, reason: error.message });
    return null;
  }
}
