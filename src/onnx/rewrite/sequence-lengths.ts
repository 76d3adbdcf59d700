import { ELEMENT, type Graph, intAttr } from '../graph.js';

const SEQLENS = 'minference.seqlens_k';
const TOTAL = 'minference.total_sequence_length';

/**
 * Adds, once per graph, what the ops read lengths from: seqlens_k int32 [batch] (valid keys − 1) and
 * total_sequence_length int32 scalar. From the attention mask where there is one, else from the shapes of the past and
 * of the tokens.
 */
export function addSequenceLengths(graph: Graph, pastKey: string): { seqlensK: string; totalSequenceLength: string } {
  if (!graph.producer(SEQLENS)) {
    const mask = graph.inputs.find((name) => /attention_mask/.test(name) && graph.type(name)?.shape?.length === 2);
    if (mask) fromMask(graph, mask);
    else fromShapes(graph, pastKey);
  }
  return { seqlensK: SEQLENS, totalSequenceLength: TOTAL };
}

function toInt32(graph: Graph, input: string, output: string): void {
  graph.add({
    opType: 'Cast',
    name: `${output}/Cast`,
    inputs: [input],
    outputs: [output],
    attributes: [intAttr('to', ELEMENT.int32)],
  });
}

function dimension(graph: Graph, value: string, axis: number, name: string): string {
  const shape = graph.add({ opType: 'Shape', name: `${name}/Shape`, inputs: [value], outputs: [`${name}/shape`] });
  const index = graph.addInt64(`${name}/index`, [axis], []);
  return graph.add({ opType: 'Gather', name: `${name}/Gather`, inputs: [shape, index], outputs: [`${name}/dim`] });
}

function fromMask(graph: Graph, mask: string): void {
  const axes = graph.addInt64(`${SEQLENS}/axes`, [1]);
  const one = graph.addInt64(`${SEQLENS}/one`, [1], []);
  const sum = graph.add({
    opType: 'ReduceSum',
    name: `${SEQLENS}/ReduceSum`,
    inputs: [mask, axes],
    outputs: [`${SEQLENS}/sum`],
    attributes: [intAttr('keepdims', 0)],
  });
  const last = graph.add({ opType: 'Sub', name: `${SEQLENS}/Sub`, inputs: [sum, one], outputs: [`${SEQLENS}/last`] });
  toInt32(graph, last, SEQLENS);
  toInt32(graph, dimension(graph, mask, 1, TOTAL), TOTAL);
}

function fromShapes(graph: Graph, pastKey: string): void {
  const tokens = graph.inputs.find((name) => /input_ids/.test(name)) ?? graph.inputs[0]!;
  const past = dimension(graph, pastKey, 2, `${TOTAL}/past`);
  const added = dimension(graph, tokens, 1, `${TOTAL}/new`);
  const total = graph.add({ opType: 'Add', name: `${TOTAL}/Add`, inputs: [past, added], outputs: [`${TOTAL}/sum`] });
  toInt32(graph, total, TOTAL);
  // Every batch row has the same length: broadcast total − 1 over the batch.
  const one = graph.addInt64(`${SEQLENS}/one`, [1], []);
  const last = graph.add({ opType: 'Sub', name: `${SEQLENS}/Sub`, inputs: [total, one], outputs: [`${SEQLENS}/last`] });
  const batch = dimension(graph, tokens, 0, `${SEQLENS}/batch`);
  const axes = graph.addInt64(`${SEQLENS}/axes`, [0]);
  const shape = graph.add({
    opType: 'Unsqueeze',
    name: `${SEQLENS}/Unsqueeze`,
    inputs: [batch, axes],
    outputs: [`${SEQLENS}/batch_shape`],
  });
  const expanded = graph.add({
    opType: 'Expand',
    name: `${SEQLENS}/Expand`,
    inputs: [last, shape],
    outputs: [`${SEQLENS}/expanded`],
  });
  toInt32(graph, expanded, SEQLENS);
}
