import type { NodeProto } from 'onnx-buf';
import { Evaluator } from '../evaluate/evaluator.js';
import type { Graph } from '../graph.js';
import { SAMPLE_CALL } from './analysis.js';
import { rowInputs } from './row-wise.js';

const INT64_MAX = Number.MAX_SAFE_INTEGER;
export const ROWS_AXIS = 1;

/**
 * Makes `logits` [batch, rows, vocabulary] hold the last row only, and moves the cut up to where all rows are needed
 * anyway: usually the last attention, so that the last layer's output projection, MLP, norm and the LM head see one row.
 *
 * A node works on the last row alone when it treats rows independently and everything that reads it does so too; values
 * that others read whole are cut where they enter that part, both sides of a residual sum alike.
 *
 * @returns how many nodes now work on one row; 0 when nothing could be proved, then the graph is as it was.
 */
export function keepLastRow(graph: Graph, logits: string): number {
  const call = new Evaluator(graph, SAMPLE_CALL);
  if (call.shape(logits)?.length !== 3) return 0;
  const narrowed = findNarrowed(graph, call, logits);
  const cuts = new Map<string, string>();
  const changed = new Set<string>();
  for (const [node, rows] of narrowed) {
    for (const index of rows) {
      const value = node.input[index]!;
      const producer = graph.producer(value);
      if (producer && narrowed.has(producer)) continue;
      const cut = cuts.get(value) ?? cutLastRow(graph, value);
      cuts.set(value, cut);
      graph.setInput(node, index, cut);
    }
    for (const output of node.output) if (output && !graph.isOutput(output)) changed.add(output);
  }
  graph.forgetTypes(changed);
  if (narrowed.size > 0) declareOneRow(graph, logits);
  return narrowed.size;
}

/** Whether the graph gives the logits of one row anyway. */
export function hasOneRow(graph: Graph, logits: string): boolean {
  const call = new Evaluator(graph, SAMPLE_CALL);
  const shape = call.inferredShape(logits) ?? call.shape(logits);
  return shape?.length === 3 && shape[ROWS_AXIS] === 1;
}

/** Nodes that can work on some of the rows alone, from the logits upwards, with the inputs that hold rows. */
export function findNarrowed(graph: Graph, call: Evaluator, logits: string): Map<NodeProto, readonly number[]> {
  const needed = graph.ancestors([logits]);
  const whole = graph.ancestors(graph.outputs.filter((name) => name !== logits));
  const narrowed = new Map<NodeProto, readonly number[]>();
  /** Every reader that matters takes this value's rows one by one. */
  const readByRow = (value: string) =>
    graph.consumers(value).every((reader) => {
      if (!needed.has(reader)) return true;
      const rows = narrowed.get(reader);
      return rows !== undefined && reader.input.every((input, i) => input !== value || rows.includes(i));
    });
  for (const node of graph.order().toReversed()) {
    if (!needed.has(node) || whole.has(node)) continue;
    const rows = rowInputs(call, node);
    if (rows && node.output.every((output) => output === '' || readByRow(output))) narrowed.set(node, rows);
  }
  return narrowed;
}

function declareOneRow(graph: Graph, logits: string): void {
  const type = graph.type(logits);
  if (type?.shape?.length === 3) graph.retypeOutput(logits, type.elementType, [type.shape[0]!, 1, type.shape[2]!]);
}

function cutLastRow(graph: Graph, value: string): string {
  const constants = [
    ['starts', -1],
    ['ends', INT64_MAX],
    ['axes', ROWS_AXIS],
  ] as const;
  const inputs = constants.map(([what, number]) => {
    const name = `minference.last_row.${what}`;
    return graph.initializer(name) ? name : graph.addInt64(name, [number]);
  });
  const output = graph.unique(`${value}/last_row`);
  return graph.add({ opType: 'Slice', name: `${value}/LastRow`, inputs: [value, ...inputs], outputs: [output] });
}
