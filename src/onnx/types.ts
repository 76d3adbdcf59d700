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
  /** Probe graph only: graph input, int32 [num_candidates, 4]. */
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
  /** Which positions `logits` holds. */
  logitsRows: 'last' | 'all';
  /** Element type of the KV cache. */
  kvDtype: 'float32' | 'float16' | 'bfloat16';
  /** True when the past may be a longer buffer shared with the present (nothing else in the graph reads its shape). */
  sharedKvCache: boolean;
}

export interface SkippedNode {
  node: string;
  opType: string;
  reason: string;
}

/** What the rewriter did, and why it left the rest alone. */
export interface RewriteReport {
  rules: { rule: string; matched: number; rewritten: number }[];
  skipped: SkippedNode[];
}

export interface RewrittenModel {
  proto: ModelProto;
  folder: string;
  layers: AttentionLayer[];
  io: DecoderIo;
  report: RewriteReport;
}
