import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../../graph.js';
import { constantScalar, MASKED_BELOW, type Mask } from '../causal-mask.js';
import { NoMatch, require } from '../rule.js';
import { MAX_CHAIN, scaledInput } from './chain.js';

/** What lies between the product of queries and keys and the softmax. */
export interface Scores {
  /** q·kᵀ. */
  product: NodeProto;
  /** Factor on the product; softcap applies after it. */
  scale: number;
  softcap: number;
  masks: Mask[];
}

/** How many values are looked at for a product; scores and masks are far closer. */
const MAX_VALUES = 64;
/** Relative difference up to which factors before and after a tanh cancel out. */
const TANH_TOLERANCE = 1e-3;

/** The product of two computed values that a value comes from through scales, casts, masks and a tanh. */
export function findProduct(graph: Graph, name: string): NodeProto | null {
  const pending = [name];
  const seen = new Set<string>();
  while (pending.length > 0 && seen.size < MAX_VALUES) {
    const value = pending.shift()!;
    if (seen.has(value)) continue;
    seen.add(value);
    const node = graph.producer(value);
    if (node?.opType === 'MatMul' && node.input.every((input) => graph.producer(input))) return node;
    if (node?.opType === 'Cast' || node?.opType === 'Tanh') pending.push(node.input[0]!);
    if (node && ['Add', 'Mul', 'Div'].includes(node.opType)) pending.push(...node.input);
    if (node?.opType === 'Where') pending.push(...node.input.slice(1));
  }
  return null;
}

/** Walks up from a softmax to the product of queries and keys. */
export function findScores(graph: Graph, softmax: NodeProto): Scores {
  const walk = new ScoreWalk(graph);
  let name = softmax.input[0]!;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = graph.producer(name);
    require(node, 'its scores come from a graph input');
    if (node.opType === 'MatMul') return { product: node, ...walk.result };
    name = walk.above(node);
  }
  throw new NoMatch('no product of queries and keys feeds its softmax');
}

class ScoreWalk {
  readonly result = { scale: 1, softcap: 0, masks: [] as Mask[] };
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Takes in one node below the product and gives the input to go on with. */
  above(node: NodeProto): string {
    if (node.opType === 'Cast') return node.input[0]!;
    if (node.opType === 'Add') return this.#added(node);
    if (node.opType === 'Where') return this.#chosen(node);
    if (node.opType === 'Tanh') return this.#softcap(node);
    const scaled = scaledInput(this.#graph, node);
    require(scaled, `${node.opType} ${node.name} between its scores and its softmax is not known`);
    this.result.scale *= scaled.factor;
    return scaled.input;
  }

  #added(node: NodeProto): string {
    const index = node.input.findIndex((input) => findProduct(this.#graph, input));
    require(index >= 0, 'no product of queries and keys feeds its softmax');
    this.#mask({ name: node.input[1 - index]!, kind: 'additive' });
    return node.input[index]!;
  }

  #chosen(node: NodeProto): string {
    const [condition, first, second] = node.input as [string, string, string];
    const keepsFirst = findProduct(this.#graph, first) !== null;
    const filler = constantScalar(this.#graph, keepsFirst ? second : first);
    require(filler <= MASKED_BELOW, `its mask writes ${filler} over scores, which does not remove keys`);
    this.#mask({ name: condition, kind: keepsFirst ? 'allowed' : 'masked' });
    return keepsFirst ? first : second;
  }

  #mask(mask: Mask): void {
    require(this.result.softcap === 0, 'its mask lies before its softcap, which would bring removed keys back');
    require(this.result.scale === 1, 'its mask is scaled with its scores');
    this.result.masks.push(mask);
  }

  /** softcap · tanh(s / softcap): the factor behind the tanh was collected as `scale`. */
  #softcap(node: NodeProto): string {
    const { result } = this;
    const before = this.#graph.producer(node.input[0]!);
    const divided = before ? scaledInput(this.#graph, before) : null;
    require(divided && result.softcap === 0, 'a tanh without a constant factor before it is no softcap');
    require(Math.abs(divided.factor * result.scale - 1) < TANH_TOLERANCE, 'the factors around its tanh differ');
    result.softcap = result.scale;
    result.scale = 1;
    return divided.input;
  }
}
