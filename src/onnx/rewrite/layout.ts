import { intAttr, intsAttr } from '../attribute.js';
import type { Graph } from '../graph.js';

const SWAP_HEADS = [0, 2, 1, 3];

/** [batch, heads, rows, dim] → [batch, rows, heads · dim], the layout of the ops. */
export function mergeHeads(graph: Graph, value: string, width: number): string {
  const transposed = graph.add({
    opType: 'Transpose',
    name: `${value}/MergeHeads/Transpose`,
    inputs: [value],
    outputs: [graph.unique(`${value}/rows_first`)],
    attributes: [intsAttr('perm', SWAP_HEADS)],
  });
  const shape = graph.addInt64(`${value}/merged_shape`, [0, 0, width]);
  return graph.add({
    opType: 'Reshape',
    name: `${value}/MergeHeads/Reshape`,
    inputs: [transposed, shape],
    outputs: [graph.unique(`${value}/merged`)],
  });
}

/** The value in another element type, written to `output`. */
export function castTo(graph: Graph, value: string, elementType: number, output: string): string {
  return graph.add({
    opType: 'Cast',
    name: `${output}/Cast`,
    inputs: [value],
    outputs: [output],
    attributes: [intAttr('to', elementType)],
  });
}

/** [batch, rows, heads · dim] → [batch, heads, rows, dim], written to `output`. */
export function splitHeads(graph: Graph, value: string, heads: number, headDim: number, output: string): void {
  const shape = graph.addInt64(`${output}/split_shape`, [0, 0, heads, headDim]);
  const split = graph.add({
    opType: 'Reshape',
    name: `${output}/SplitHeads/Reshape`,
    inputs: [value, shape],
    outputs: [graph.unique(`${output}/split`)],
  });
  graph.add({
    opType: 'Transpose',
    name: `${output}/SplitHeads/Transpose`,
    inputs: [split],
    outputs: [output],
    attributes: [intsAttr('perm', SWAP_HEADS)],
  });
}
