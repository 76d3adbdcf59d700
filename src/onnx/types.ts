import type { ModelProto } from 'onnx-buf';

/** A decoder graph in memory; its weights stay on disk. */
export interface OnnxModel {
  proto: ModelProto;
  /** Absolute path of the .onnx file. */
  path: string;
  /** Folder against which external data locations resolve. */
  folder: string;
}

/** Which form an attention node had before rewriting. */
export type AttentionSource = 'GroupQueryAttention' | 'MultiHeadAttention' | 'Attention' | 'decomposed';

/** One attention layer of the rewritten graph, in graph order. */
export interface AttentionLayer {
  /** Which of the model's layers it is, from 0 on; layers that were left alone have their numbers too. */
  layer: number;
  /** Name of the node it came from. */
  node: string;
  source: AttentionSource;
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  /** Sliding window of this layer in tokens, or null. Windowed layers are local already. */
  window: number | null;
  /** Graph input, int32 [num_heads, 4]: one row per head. Absent in the probe graph. */
  patternsInput?: string;
  /**
   * Graphs with indices: inputs of explicit indices and outputs of the layer's own ones, each range_offsets, ranges,
   * column_offsets and columns (kernels/README.md).
   */
  indices?: { inputs: readonly string[]; outputs: readonly string[] };
  /** Probe graph only: graph input, int32 [1 or num_heads, num_candidates, 4]. */
  candidatesInput?: string;
  /** Probe graph only: graph input, float32 [1], FLOPs per head. */
  budgetInput?: string;
  /** Probe graph only: graph output, float32 [num_heads, num_candidates, fields]. */
  scoresOutput?: string;
  pastKey: string;
  pastValue: string;
  presentKey: string;
  presentValue: string;
}

/** Names of the graph's inputs and outputs, by role. */
export interface DecoderIo {
  inputIds: string;
  attentionMask: string | null;
  positionIds: string | null;
  /** float32 or float16, [batch, rows, vocab]. */
  logits: string;
  /** Which positions `logits` holds. `steps`: all, but a few at a time, within the graph. */
  logitsRows: 'last' | 'all' | 'steps';
  /** Element type of the KV cache. */
  kvDtype: 'float32' | 'float16' | 'bfloat16';
}

/** A layer of the model that ONNX Runtime runs as it is: attention that was left alone, or no attention at all. */
export interface LeftAloneLayer {
  /** Which of the model's layers it is, from 0 on. */
  layer: number;
  /** The attention's node, or the state that the layer carries; null where nothing in the graph names the layer. */
  node: string | null;
  opType: string | null;
  /** Completes "it stays as it is: …". */
  reason: string;
  /** Query heads; 0 when it is no attention, or not known how many. */
  numHeads: number;
}

/** A tensor that one run hands to the next: an output of the graph that becomes an input. Before the first run it is empty or zero. */
export interface CarriedState {
  input: string;
  output: string;
  /** TensorProto.DataType. */
  elementType: number;
  /** Dimensions for one prompt; null: rows, one for every token (of a window: for the last ones). */
  shape: readonly (number | null)[];
  /**
   * `buffer`: a KV cache whose readers take its valid length from elsewhere, so that past and present are one buffer with
   * room for all rows. `grown`: starts without rows, and every run returns it with more of them. `fixed`: starts as zeros and keeps its size.
   */
  keeps: 'buffer' | 'grown' | 'fixed';
  /** Most rows that the graph keeps of a grown state; null: all. */
  window: number | null;
}

export interface SkippedNode {
  node: string;
  opType: string;
  reason: string;
  /** What to do about it, where that is not to export the model in another way altogether. */
  hint?: string;
}

/** What the rewriter did, and why it left the rest alone. */
export interface RewriteReport {
  rules: { rule: string; matched: number; rewritten: number }[];
  skipped: SkippedNode[];
}

/** The layers of a model, by who computes their attention. */
export interface ModelLayers {
  /** Attention by the ops of `ai.minference`, in graph order. */
  layers: readonly AttentionLayer[];
  /** All others, in the model's order. */
  leftAlone: readonly LeftAloneLayer[];
  /** Both together; layers are numbered from 0 to here. */
  numLayers: number;
}

export interface RewrittenModel extends ModelLayers {
  proto: ModelProto;
  folder: string;
  /** Most tokens that the short tables of angles serve (LongRoPE); null where there is one table for all lengths. */
  tableSwitch: number | null;
  /** Everything that runs hand on: KV caches, and states of other kinds. */
  states: CarriedState[];
  io: DecoderIo;
  report: RewriteReport;
}
