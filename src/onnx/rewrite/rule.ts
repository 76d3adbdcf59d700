import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../graph.js';
import type { AttentionSource } from '../types.js';

/** Attributes of the ops of ai.minference, under the names the op has them. */
export interface AttentionAttributes {
  scale?: number;
  softcap?: number;
  doRotary?: boolean;
  rotaryInterleaved?: boolean;
  /** Tokens, or null for all keys. */
  window: number | null;
}

/** Inputs 0 to 11 of the ops ('' where absent) and outputs 0 to 2. */
export interface AttentionWiring {
  inputs: string[];
  outputs: [output: string, presentKey: string, presentValue: string];
}

/** Proof that a node is causal attention that the op can take over. */
export interface AttentionMatch {
  /** Anchor: the fused node, or the Softmax of decomposed attention. */
  node: NodeProto;
  source: AttentionSource;
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  attributes: AttentionAttributes;
  /** Graph inputs and outputs of this layer's cache. */
  pastKey: string;
  pastValue: string;
  presentKey: string;
  presentValue: string;
  /** Adds what the op's inputs need and detaches the nodes it replaces. Called once, after every match is known. */
  wire(graph: Graph): AttentionWiring;
}

/** Thrown inside a rule: this node is not attention as the rule knows it, and why. */
export class NoMatch extends Error {}

export function require(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new NoMatch(reason);
}

export interface AttentionRule {
  name: string;
  source: AttentionSource;
  /** Nodes that may be this form of attention. */
  isAnchor(graph: Graph, node: NodeProto): boolean;
  /** @throws {NoMatch} with the reason. */
  match(graph: Graph, node: NodeProto): AttentionMatch;
}
