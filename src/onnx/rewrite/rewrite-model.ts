import { MinferenceError } from '../../errors.js';
import { Graph } from '../graph.js';
import type {
  AttentionLayer,
  CarriedState,
  DecoderIo,
  ModelLayers,
  OnnxModel,
  RewrittenModel,
  SkippedNode,
} from '../types.js';
import { findCarriedStates } from './carried-states.js';
import { completePresents } from './complete-presents.js';
import { findDecoderIo, findLogits } from './decoder-io.js';
import { type AttentionKind, DOMAIN, emitAttention } from './emit-attention.js';
import { type FoundAttention, findAttention } from './find-attention.js';
import { hasOneRow, keepLastRow } from './last-row.js';
import { chooseTablesOnce } from './length-switch.js';
import { scoreNextTokens } from './next-token-loss.js';
import { leftAloneLayers, numberAttentions } from './place-layers.js';

/** How many op types an error message counts up. */
const MAX_NAMED_OPS = 12;

/** What the configuration says about a graph. */
export interface GraphFacts {
  /** The model's layers, attention or not; default: those that the graph shows. */
  numLayers?: number;
  /** Inputs that outputs continue from run to run, input → output, beyond those that the graph shows. */
  stateNames?: ReadonlyMap<string, string>;
}

/**
 * The graph for prefill and decoding: attention by `ai.minference.SparseAttention`, whose patterns are inputs, and
 * logits for the last position only unless asked otherwise. `model` stays as it is.
 *
 * @param options.indices the graph also takes explicit indices and gives those that it built
 * @throws {MinferenceError} MODEL_NO_ATTENTION when no attention can be rewritten, MODEL_UNSUPPORTED when inputs or
 * outputs have no known role.
 */
export function rewriteForPrefill(
  model: OnnxModel,
  options: { logits?: 'last' | 'all'; indices?: boolean } & GraphFacts = {},
): RewrittenModel {
  const { graph, found, layers } = rewriteAttention(model, options.indices ? 'indices' : 'prefill', options);
  const logits = findLogits(graph);
  const rules = found.counts;
  let rows: 'last' | 'all' = hasOneRow(graph, logits) ? 'last' : 'all';
  if (options.logits !== 'all' && rows === 'all') {
    if (keepLastRow(graph, logits) > 0) rows = 'last';
    rules.push({ rule: 'last row of logits', matched: 1, rewritten: rows === 'last' ? 1 : 0 });
  }
  return finished(model, graph, { found, layers, logits: { name: logits, rows } }, options);
}

/**
 * The graph for the search: `ai.minference.AttentionProbe` computes dense attention and scores candidates on the way;
 * outputs are the scores and what runs hand on, no logits.
 *
 * @throws {MinferenceError} as {@link rewriteForPrefill}.
 */
export function rewriteForProbe(model: OnnxModel, facts: GraphFacts = {}): RewrittenModel {
  const { graph, found, layers } = rewriteAttention(model, 'probe', facts);
  const logits = findLogits(graph);
  graph.removeOutput(logits);
  return finished(model, graph, { found, layers, logits: { name: logits, rows: 'all' } }, facts);
}

/**
 * The graph for perplexity: as for prefill, but instead of logits it gives the loss of every position's next token, which
 * is an input (next-token-loss.ts).
 *
 * @throws {MinferenceError} as {@link rewriteForPrefill}; MODEL_UNSUPPORTED when the graph computes the logits of the last
 * position only.
 */
export function rewriteForLikelihood(
  model: OnnxModel,
  options: { stepRows?: number; indices?: boolean } & GraphFacts = {},
): RewrittenModel {
  const { graph, found, layers } = rewriteAttention(model, options.indices ? 'indices' : 'prefill', options);
  const logits = findLogits(graph);
  if (hasOneRow(graph, logits)) {
    throw new MinferenceError(
      'MODEL_UNSUPPORTED',
      `${model.path}: expected logits of all positions, found those of the last one alone`,
      { hint: 'export the model again without a cut to the last position (onnxruntime-genai: without prune_lm_head)' },
    );
  }
  const rows = scoreNextTokens(graph, logits, options.stepRows) ? 'steps' : 'all';
  return finished(model, graph, { found, layers, logits: { name: logits, rows } }, options);
}

/**
 * The file's graph as it is, described as {@link rewriteForPrefill} describes its own: what runs hand on is what plain
 * ONNX Runtime's ops make of it, and no layer takes patterns.
 *
 * @throws {MinferenceError} as {@link rewriteForPrefill}.
 */
export function describeOriginal(model: OnnxModel, facts: GraphFacts = {}): RewrittenModel {
  const described = rewriteForPrefill(model, { ...facts, logits: 'all' });
  const layers = described.layers.map(({ patternsInput: _, ...layer }) => layer);
  const graph = new Graph(model.proto);
  const states = findCarriedStates(graph, layers, facts.stateNames);
  const changed = completePresents(graph);
  if (changed) graph.finish();
  // The file's own choice stands.
  return { ...described, proto: changed ? graph.proto : model.proto, layers, states, tableSwitch: null };
}

/** What {@link rewriteForPrefill} would rewrite and leave alone; throws nothing for graphs without attention. */
export function inspectAttention(
  model: OnnxModel,
  facts: GraphFacts = {},
): ModelLayers & { skipped: SkippedNode[]; states: CarriedState[] } {
  const graph = new Graph(model.proto);
  const found = findAttention(graph);
  const layers = emitAll(graph, found, 'prefill', facts);
  const states = findCarriedStates(graph, layers, facts.stateNames);
  return { ...modelLayers(found, layers, states, facts), skipped: found.skipped, states };
}

interface Rewriting {
  found: FoundAttention;
  layers: AttentionLayer[];
  logits: { name: string; rows: DecoderIo['logitsRows'] };
}

function finished(model: OnnxModel, graph: Graph, parts: Rewriting, facts: GraphFacts): RewrittenModel {
  const { found, layers, logits } = parts;
  const io = findDecoderIo(graph, layers, logits);
  completePresents(graph);
  const tableSwitch = chooseTablesOnce(graph);
  graph.finish();
  const states = findCarriedStates(graph, layers, facts.stateNames);
  return {
    ...modelLayers(found, layers, states, facts),
    proto: graph.proto,
    folder: model.folder,
    tableSwitch,
    states,
    io,
    report: { rules: found.counts, skipped: found.skipped },
  };
}

function modelLayers(
  { attentions }: FoundAttention,
  layers: AttentionLayer[],
  states: readonly CarriedState[],
  { numLayers }: GraphFacts,
): ModelLayers {
  const numbers = numberAttentions(attentions, numLayers);
  return { layers, ...leftAloneLayers(attentions, numbers, states, numLayers) };
}

function rewriteAttention(model: OnnxModel, kind: AttentionKind, facts: GraphFacts) {
  const graph = new Graph(model.proto);
  const found = findAttention(graph);
  if (found.matches.length === 0) throw noAttention(graph, model, found.skipped);
  return { graph, found, layers: emitAll(graph, found, kind, facts) };
}

function emitAll(graph: Graph, found: FoundAttention, kind: AttentionKind, { numLayers }: GraphFacts) {
  graph.requireDomain(DOMAIN, 1);
  const numbers = numberAttentions(found.attentions, numLayers);
  const taken = numbers.filter((_, index) => found.attentions[index]!.skipped === null);
  return found.matches.map((match, index) => emitAttention(graph, match, taken[index]!, kind));
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
        first?.hint ??
        'export the decoder with onnxruntime-genai’s builder, or with Optimum for the task text-generation-with-past; ' +
          'GroupQueryAttention, MultiHeadAttention, opset-23 Attention and Optimum’s decomposed attention are known',
    },
  );
}
