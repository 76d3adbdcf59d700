import type { NodeProto } from 'onnx-buf';
import type { Graph } from '../graph.js';
import { DOMAIN } from './emit-attention.js';
import { rowInputs } from './row-wise.js';

const INT64_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Makes `logits` [batch, rows, vocabulary] hold the last row only, and moves the cut up to where all rows are needed
 * anyway: usually the last attention, so that the last layer's output projection, MLP, norm and the LM head see one row.
 *
 * @returns how many nodes now work on one row.
 */
export function keepLastRow(graph: Graph, logits: string): number {
  const cut = new LastRow(graph, neededInFull(graph, logits));
  return cut.apply(logits);
}

/** Nodes that some output other than `logits` needs. */
function neededInFull(graph: Graph, logits: string): Set<NodeProto> {
  const needed = new Set<NodeProto>();
  const pending = graph.outputs.filter((name) => name !== logits);
  while (pending.length > 0) {
    const node = graph.producer(pending.pop()!);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    pending.push(...node.input.filter(Boolean));
  }
  return needed;
}

type Plan = 'push' | 'cut' | 'impossible';

class LastRow {
  readonly #plans = new Map<string, Plan>();
  readonly #sliced = new Map<string, string>();
  readonly #graph: Graph;
  readonly #full: Set<NodeProto>;
  #pushed = new Set<NodeProto>();

  constructor(graph: Graph, full: Set<NodeProto>) {
    this.#graph = graph;
    this.#full = full;
  }

  apply(logits: string): number {
    const graph = this.#graph;
    const type = graph.type(logits);
    if (this.#plan(logits) !== 'push') return 0;
    this.#lastRow(logits);
    if (type?.shape?.length === 3) graph.retypeOutput(logits, type.elementType, [type.shape[0]!, 1, type.shape[2]!]);
    return this.#pushed.size;
  }

  #rowInputs(node: NodeProto): number[] | null {
    return this.#full.has(node) ? null : rowInputs(this.#graph, node);
  }

  /** Whether the last row of a value can be had by working on last rows only, or by cutting the value itself. */
  #plan(name: string): Plan {
    const known = this.#plans.get(name);
    if (known) return known;
    const node = this.#graph.producer(name);
    const rows = node && this.#rowInputs(node);
    const pushable = rows && rows.length > 0 && rows.every((i) => this.#plan(node.input[i]!) !== 'impossible');
    const plan = pushable ? 'push' : this.#hasRows(name, node) ? 'cut' : 'impossible';
    this.#plans.set(name, plan);
    return plan;
  }

  #hasRows(name: string, node: NodeProto | undefined): boolean {
    if (node?.domain === DOMAIN && node.output[0] === name) return true;
    return (
      this.#graph.type(name)?.shape?.length === 3 ||
      (node !== undefined && this.#full.has(node) && this.#isHidden(node))
    );
  }

  /** Residual streams without declared shapes: sums and norms of projections. */
  #isHidden(node: NodeProto): boolean {
    return rowInputs(this.#graph, node) !== null;
  }

  #lastRow(name: string): string {
    const known = this.#sliced.get(name);
    if (known) return known;
    const sliced = this.#plan(name) === 'push' ? this.#push(name) : this.#cut(name);
    this.#sliced.set(name, sliced);
    return sliced;
  }

  #push(name: string): string {
    const graph = this.#graph;
    const node = graph.producer(name)!;
    if (!this.#pushed.has(node)) {
      this.#pushed.add(node);
      for (const i of this.#rowInputs(node)!) graph.setInput(node, i, this.#lastRow(node.input[i]!));
      for (const output of node.output) if (!graph.isOutput(output)) graph.forgetType(output);
    }
    return name;
  }

  #cut(name: string): string {
    const graph = this.#graph;
    const [starts, ends, axes] = (
      [
        ['starts', -1],
        ['ends', INT64_MAX],
        ['axes', 1],
      ] as const
    ).map(([what, value]) => {
      const constant = `minference.last_row.${what}`;
      return graph.initializer(constant) ? constant : graph.addInt64(constant, [value]);
    }) as [string, string, string];
    const output = graph.unique(`${name}/last_row`);
    return graph.add({
      opType: 'Slice',
      name: `${name}/LastRow`,
      inputs: [name, starts, ends, axes],
      outputs: [output],
    });
  }
}
