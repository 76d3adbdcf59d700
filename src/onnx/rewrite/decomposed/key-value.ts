import type { NodeProto } from 'onnx-buf';
import { intAttribute, intsAttribute } from '../../attribute.js';
import type { Graph } from '../../graph.js';
import { shapeOf } from '../analysis.js';
import { NoMatch, require } from '../rule.js';
import { MAX_CHAIN, scaledInput } from './chain.js';

/** Keys or values of a layer, below their repetition for grouped queries. */
export interface CachedOperand {
  /** The graph input with the past, [batch, kv_heads, past, dim]. */
  past: string;
  /** This call's rows, [batch, kv_heads, rows, dim]. */
  fresh: string;
  /** The graph output. */
  present: string;
  /** Product of the constant factors on the way. */
  scale: number;
  /** How often the last two dimensions were swapped. */
  transposed: number;
}

const SEQUENCE_AXES = new Set([2, -2]);

function isConcatOfPast(graph: Graph, node: NodeProto): boolean {
  return (
    node.opType === 'Concat' &&
    node.input.length === 2 &&
    SEQUENCE_AXES.has(intAttribute(node, 'axis', 0)) &&
    graph.isInput(node.input[0]!)
  );
}

/** Walks up from an operand of attention's products to the concatenation of past and new rows. */
export function findCachedOperand(graph: Graph, operand: string): CachedOperand {
  let name = operand;
  let scale = 1;
  let transposed = 0;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const node = graph.producer(name);
    require(node, 'its keys or values come from a graph input: there is no cache to extend (cross attention?)');
    if (isConcatOfPast(graph, node)) {
      const [past, fresh] = node.input as [string, string];
      return { past, fresh, present: presentOf(graph, node), scale, transposed };
    }
    const scaled = scaledInput(graph, node);
    if (scaled) {
      scale *= scaled.factor;
      name = scaled.input;
    } else if (node.opType === 'Transpose') {
      require(isSwapOfLastTwo(node), `${node.name} permutes its keys in a way that is not known`);
      transposed++;
      name = node.input[0]!;
    } else if (node.opType === 'Cast' || node.opType === 'Identity') {
      name = node.input[0]!;
    } else {
      name = repeatedInput(graph, node);
    }
  }
  throw new NoMatch('its keys or values are not a past and new rows put together');
}

function isSwapOfLastTwo(node: NodeProto): boolean {
  const perm = intsAttribute(node, 'perm');
  return perm?.join() === '0,1,3,2';
}

/** Reshape ← Expand ← Unsqueeze(2): every KV head once per query head of its group. */
function repeatedInput(graph: Graph, node: NodeProto): string {
  const problem = `${node.opType} ${node.name} on the way to its cache is not known`;
  require(node.opType === 'Reshape', problem);
  const expand = graph.producer(node.input[0]!);
  require(expand?.opType === 'Expand', problem);
  const unsqueeze = graph.producer(expand.input[0]!);
  require(unsqueeze?.opType === 'Unsqueeze', problem);
  const [, kvHeads, one, rows, dim] = shapeOf(graph, unsqueeze.output[0]!, 'unrepeated keys or values', 5);
  const [, , group] = shapeOf(graph, expand.output[0]!, 'expanded keys or values', 5);
  const repeated = shapeOf(graph, node.output[0]!, 'repeated keys or values', 4);
  require(one === 1 &&
    repeated.join() ===
      [1, kvHeads! * group!, rows, dim].join(), `${node.name} does not put the copies of a KV head next to each other`);
  return unsqueeze.input[0]!;
}

/** The graph output that holds past and new rows: the concatenation's own, or an Identity of it. */
function presentOf(graph: Graph, concat: NodeProto): string {
  const [output] = concat.output as [string];
  if (graph.isOutput(output)) return output;
  const copy = graph
    .consumers(output)
    .find(({ opType, output: [name] }) => opType === 'Identity' && graph.isOutput(name!));
  require(copy, 'its keys or values are no graph output: there is no cache to hand on');
  return copy.output[0]!;
}
