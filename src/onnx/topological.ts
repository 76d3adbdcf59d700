import type { NodeProto } from 'onnx-buf';
import { nodeInputs } from './node-inputs.js';

interface Frame {
  node: NodeProto;
  inputs: string[];
  next: number;
}

/**
 * The nodes with every producer before its consumers, otherwise in the order given. Without recursion: graphs are
 * thousands of nodes deep.
 *
 * @returns the order, or the node at which a cycle closes
 */
export function topologicalOrder(
  nodes: Iterable<NodeProto>,
  producer: (name: string) => NodeProto | undefined,
): { ordered: NodeProto[] } | { cycle: NodeProto } {
  const ordered: NodeProto[] = [];
  /** false: its inputs are being visited; true: it is in `ordered`. */
  const done = new Map<NodeProto, boolean>();
  for (const start of nodes) {
    if (done.has(start)) continue;
    const stack: Frame[] = [{ node: start, inputs: nodeInputs(start), next: 0 }];
    done.set(start, false);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (top.next === top.inputs.length) {
        ordered.push(top.node);
        done.set(top.node, true);
        stack.pop();
        continue;
      }
      const before = producer(top.inputs[top.next++]!);
      if (!before) continue;
      const state = done.get(before);
      if (state === false) return { cycle: before };
      if (state === true) continue;
      done.set(before, false);
      stack.push({ node: before, inputs: nodeInputs(before), next: 0 });
    }
  }
  return { ordered };
}
