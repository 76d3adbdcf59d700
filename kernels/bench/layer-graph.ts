import type { ModelProto, NodeProto } from 'onnx-buf';
import { MinferenceError } from '../../src/errors.js';
import { floatAttribute, intAttribute } from '../../src/onnx/attribute.js';
import { Graph } from '../../src/onnx/graph.js';
import type { AttentionLayer, RewrittenModel } from '../../src/onnx/types.js';
import { ELEMENT } from '../../src/onnx/value-info.js';

/** Outputs of a graph that ends at one attention node. */
export interface LayerGraph {
  proto: ModelProto;
  /** float32 [1, rows, (heads + 2·kvHeads)·headDim]: queries, keys and values before rotary embedding. */
  packed: string;
  /** float32 [positions, half of the rotated width] */
  cos: string;
  sin: string;
  /** The node's own result, float32 [1, rows, heads·headDim]. */
  attention: string;
}

/** Places of the op's inputs, as GroupQueryAttention has them. */
const INPUT = { query: 0, key: 1, value: 2, cos: 7, sin: 8, positions: 9, sink: 11 } as const;

/**
 * Cuts a rewritten graph down to what one layer's attention reads and gives.
 *
 * @throws {MinferenceError} MODEL_UNSUPPORTED when the node is of another form than the embedded model's: what the
 *   benchmark computes from the operands would be something else.
 */
export function cutAtLayer(model: RewrittenModel, layer: AttentionLayer): LayerGraph {
  const graph = new Graph(model.proto);
  const node = graph.consumers(layer.patternsInput!)[0]!;
  checkForm(node, layer);
  const packed = node.input[INPUT.query]!;
  const attention = node.output[0]!;
  for (const name of graph.outputs) graph.removeOutput(name);
  const output = (name: string, shape: (number | string)[]) => {
    const type = graph.type(name)?.elementType ?? ELEMENT.float32;
    if (type !== ELEMENT.float32) throw unsupported(layer, 'float32', `element type ${type} of ${name}`);
    graph.addOutput(name, ELEMENT.float32, shape);
    return name;
  };
  // Initializers become outputs by a node that passes them on.
  const table = (name: string, input: number) =>
    output(graph.add({ opType: 'Identity', name, inputs: [node.input[input]!], outputs: [graph.unique(name)] }), [
      'positions',
      'angles',
    ]);
  const { numHeads, numKvHeads, headDim } = layer;
  const result = {
    packed: output(packed, ['batch', 'rows', (numHeads + 2 * numKvHeads) * headDim]),
    cos: table('bench.cos', INPUT.cos),
    sin: table('bench.sin', INPUT.sin),
    attention: output(attention, ['batch', 'rows', numHeads * headDim]),
  };
  graph.finish();
  return { proto: graph.proto, ...result };
}

function checkForm(node: NodeProto, layer: AttentionLayer): void {
  const has = (input: number) => Boolean(node.input[input]);
  const expect = (condition: boolean, expected: string, found: string) => {
    if (!condition) throw unsupported(layer, expected, found);
  };
  expect(!has(INPUT.key) && !has(INPUT.value), 'packed queries, keys and values', 'separate ones');
  expect(intAttribute(node, 'do_rotary', 0) === 1 && has(INPUT.cos) && has(INPUT.sin), 'rotary embedding', 'none');
  expect(intAttribute(node, 'rotary_interleaved', 0) === 0, 'rotary embedding by halves', 'an interleaved one');
  expect(!has(INPUT.positions), 'positions that count the rows', 'positions of their own');
  expect(!has(INPUT.sink), 'no attention sink', 'one');
  expect(layer.window === null, 'no sliding window', `one of ${layer.window}`);
  expect(floatAttribute(node, 'softcap', 0) === 0, 'no soft-cap', `one of ${floatAttribute(node, 'softcap', 0)}`);
  // 0 means 1/√headDim, which is what the benchmarks use.
  const scale = floatAttribute(node, 'scale', 0);
  const usual = 1 / Math.sqrt(layer.headDim);
  expect(scale === 0 || Math.abs(scale - usual) < 1e-6 * usual, `the scale ${usual}`, `${scale}`);
}

const unsupported = (layer: AttentionLayer, expected: string, found: string) =>
  new MinferenceError('MODEL_UNSUPPORTED', `attention ${layer.node}: expected ${expected}, found ${found}`);
