import { intAttr, intsAttr } from '../attribute.js';
import { findTokens } from '../find-tokens.js';
import type { Graph } from '../graph.js';
import { ELEMENT } from '../value-info.js';
import { castTo } from './layout.js';

const SEQLENS = 'minference.seqlens_k';
const TOTAL = 'minference.total_sequence_length';

/**
 * Adds, once per graph, what the ops read lengths from: seqlens_k int32 [batch] (valid keys − 1) and
 * total_sequence_length int32 scalar. From the attention mask where there is one, else from the shapes of the past and
 * of the tokens.
 */
export function addSequenceLengths(graph: Graph, pastKey: string): { seqlensK: string; totalSequenceLength: string } {
  if (!graph.producer(SEQLENS)) {
    const mask = findTokenMask(graph);
    if (mask) fromMask(graph, mask);
    else fromShapes(graph, pastKey);
  }
  return { seqlensK: SEQLENS, totalSequenceLength: TOTAL };
}

/** The graph input that says which tokens of past and present are there, [batch, total length]. */
export function findTokenMask(graph: Graph): string | undefined {
  return graph.inputs.find((name) => /attention_mask/.test(name) && graph.type(name)?.shape?.length === 2);
}

function dimension(graph: Graph, value: string, axis: number, name: string): string {
  const shape = graph.add({ opType: 'Shape', name: `${name}/Shape`, inputs: [value], outputs: [`${name}/shape`] });
  const index = graph.addInt64(`${name}/index`, [axis], []);
  return graph.add({ opType: 'Gather', name: `${name}/Gather`, inputs: [shape, index], outputs: [`${name}/dim`] });
}

/** Before opset 13 the axes are an attribute. */
function sumOverTokens(graph: Graph, mask: string): string {
  const asInput = graph.opset() >= 13;
  return graph.add({
    opType: 'ReduceSum',
    name: `${SEQLENS}/ReduceSum`,
    inputs: asInput ? [mask, graph.addInt64(`${SEQLENS}/axes`, [1])] : [mask],
    outputs: [`${SEQLENS}/sum`],
    attributes: [intAttr('keepdims', 0), ...(asInput ? [] : [intsAttr('axes', [1])])],
  });
}

function fromMask(graph: Graph, mask: string): void {
  const isInt64 = graph.type(mask)?.elementType === ELEMENT.int64;
  const numbers = isInt64 ? mask : castTo(graph, mask, ELEMENT.int64, `${SEQLENS}/mask`);
  const sum = sumOverTokens(graph, numbers);
  const one = graph.addInt64(`${SEQLENS}/one`, [1], []);
  const last = graph.add({ opType: 'Sub', name: `${SEQLENS}/Sub`, inputs: [sum, one], outputs: [`${SEQLENS}/last`] });
  castTo(graph, last, ELEMENT.int32, SEQLENS);
  castTo(graph, dimension(graph, mask, 1, TOTAL), ELEMENT.int32, TOTAL);
}

function fromShapes(graph: Graph, pastKey: string): void {
  const tokens = findTokens(graph);
  const past = dimension(graph, pastKey, 2, `${TOTAL}/past`);
  const added = dimension(graph, tokens, 1, `${TOTAL}/new`);
  const total = graph.add({ opType: 'Add', name: `${TOTAL}/Add`, inputs: [past, added], outputs: [`${TOTAL}/sum`] });
  castTo(graph, total, ELEMENT.int32, TOTAL);
  // Every batch row has the same length: broadcast total − 1 over the batch.
  const one = graph.addInt64(`${SEQLENS}/one`, [1], []);
  const last = graph.add({ opType: 'Sub', name: `${SEQLENS}/Sub`, inputs: [total, one], outputs: [`${SEQLENS}/last`] });
  const batch = dimension(graph, tokens, 0, `${SEQLENS}/batch`);
  const vector = graph.addInt64(`${SEQLENS}/vector`, [1]);
  const shape = graph.add({
    opType: 'Reshape',
    name: `${SEQLENS}/Reshape`,
    inputs: [batch, vector],
    outputs: [`${SEQLENS}/batch_shape`],
  });
  const expanded = graph.add({
    opType: 'Expand',
    name: `${SEQLENS}/Expand`,
    inputs: [last, shape],
    outputs: [`${SEQLENS}/expanded`],
  });
  castTo(graph, expanded, ELEMENT.int32, SEQLENS);
}
