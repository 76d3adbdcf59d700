import type { Graph } from '../graph.js';

const [PRESENT_KEY, PRESENT_VALUE] = [1, 2];

/**
 * Names the presents of every GroupQueryAttention that leaves them out, as layers do that read another one's cache: ONNX
 * Runtime 1.29 ends the process when it runs such a node on the CPU.
 *
 * @returns whether there was any
 */
export function completePresents(graph: Graph): boolean {
  let found = false;
  for (const node of graph.nodes) {
    if (node.opType !== 'GroupQueryAttention' || node.output[PRESENT_KEY]) continue;
    found = true;
    for (const index of [PRESENT_KEY, PRESENT_VALUE]) {
      node.output[index] = graph.unique(`${node.name || node.output[0]}/present_${index}`);
    }
  }
  return found;
}
