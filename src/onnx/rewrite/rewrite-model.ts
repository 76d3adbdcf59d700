import { MinferenceError } from '../../errors.js';
import { Graph } from '../graph.js';
import type { AttentionLayer, OnnxModel, RewrittenModel, SkippedNode } from '../types.js';
import { canShareKvCache, findDecoderIo, findLogits } from './decoder-io.js';
import { DOMAIN, emitAttention } from './emit-attention.js';
import { type FoundAttention, findAttention } from './find-attention.js';
import { hasOneRow, keepLastRow } from './last-row.js';

/** How many op types an error message counts up. */
const MAX_NAMED_OPS = 12;

/**
 * The graph for prefill and decoding: attention by `ai.minference.SparseAttention`, whose patterns are inputs, and
 * logits for the last position only unless asked otherwise. `model` stays as it is.
 *
 * @throws {MinferenceError} MODEL_NO_ATTENTION when no attention can be rewritten, MODEL_UNSUPPORTED when inputs or
 * outputs have no known role.
 */
export function rewriteForPrefill(model: OnnxModel, options: { logits?: 'last' | 'all' } = {}): RewrittenModel {
  const { graph, found, layers } = rewriteAttention(model, 'prefill');
  const logits = findLogits(graph);
  const rules = found.counts;
  let rows: 'last' | 'all' = hasOneRow(graph, logits) ? 'last' : 'all';
  if (options.logits !== 'all' && rows === 'all') {
    if (keepLastRow(graph, logits) > 0) rows = 'last';
    rules.push({ rule: 'last row of logits', matched: 1, rewritten: rows === 'last' ? 1 : 0 });
  }
  const io = findDecoderIo(graph, layers, { name: logits, rows });
  graph.finish();
  return {
    proto: graph.proto,
    folder: model.folder,
    layers,
    io: { ...io, sharedKvCache: canShareKvCache(graph, layers) },
    report: { rules, skipped: found.skipped },
  };
}

/**
 * The graph for the search: `ai.minference.AttentionProbe` computes dense attention and scores candidates on the way;
 * outputs are the scores and the cache, no logits.
 *
 * @throws {MinferenceError} as {@link rewriteForPrefill}.
 */
export function rewriteForProbe(model: OnnxModel): RewrittenModel {
  const { graph, found, layers } = rewriteAttention(model, 'probe');
  const logits = findLogits(graph);
  const io = findDecoderIo(graph, layers, { name: logits, rows: 'all' });
  graph.removeOutput(logits);
  graph.finish();
  return {
    proto: graph.proto,
    folder: model.folder,
    layers,
    io: { ...io, sharedKvCache: canShareKvCache(graph, layers) },
    report: { rules: found.counts, skipped: found.skipped },
  };
}

/** What {@link rewriteForPrefill} would rewrite and leave alone; throws nothing for graphs without attention. */
export function inspectAttention(model: OnnxModel): { layers: AttentionLayer[]; skipped: SkippedNode[] } {
  const graph = new Graph(model.proto);
  const found = findAttention(graph);
  return { layers: emitAll(graph, found, 'prefill'), skipped: found.skipped };
}

function rewriteAttention(model: OnnxModel, kind: 'prefill' | 'probe') {
  const graph = new Graph(model.proto);
  const found = findAttention(graph);
  if (found.matches.length === 0) throw noAttention(graph, model, found.skipped);
  return { graph, found, layers: emitAll(graph, found, kind) };
}

function emitAll(graph: Graph, found: FoundAttention, kind: 'prefill' | 'probe'): AttentionLayer[] {
  graph.requireDomain(DOMAIN, 1);
  return found.matches.map((match, layer) => emitAttention(graph, match, layer, kind));
}

function noAttention(graph: Graph, model: OnnxModel, skipped: readonly SkippedNode[]): MinferenceError {
  const counts = new Map<string, number>();
  for (const { opType } of graph.nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_NAMED_OPS);
  const nodes = common.map(([op, count]) => `${count} ${op}`).join(', ');
  const [first] = skipped;
  const reason = first ? `; ${first.opType} ${first.node} was left alone: ${first.reason}` : '';
  return new MinferenceError(
    'MODEL_NO_ATTENTION',
    `expected causal attention with a KV cache in ${model.path}, found ${nodes}${reason}`,
    {
      hint:
        'export the decoder with onnxruntime-genai’s builder, or with Optimum for the task text-generation-with-past; ' +
        'GroupQueryAttention, MultiHeadAttention, opset-23 Attention and Optimum’s decomposed attention are known',
    },
  );
}
