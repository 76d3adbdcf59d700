import { create } from '@bufbuild/protobuf';
import { AttributeProtoSchema, GraphProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { Graph } from '../../src/onnx/graph.js';
import { TinyGraph } from './helpers/tiny-graph.js';

/** a → Neg → b → Abs → c, with a side branch that nothing needs. */
function chain() {
  const g = new TinyGraph();
  g.input('a', 'float32', ['n']);
  g.node('Neg', ['a'], { name: 'neg', outputs: ['b'] });
  g.node('Sqrt', ['b'], { name: 'dead', outputs: ['unused'] });
  g.node('Abs', ['b'], { name: 'abs', outputs: ['c'] });
  g.writer.value('b', 'float32', ['n']);
  g.writer.value('unused', 'float32', ['n']);
  g.output('c', 'float32', ['n']);
  return g;
}

const names = (nodes: Iterable<{ name: string }>) => [...nodes].map(({ name }) => name);

test('knows producers, consumers, inputs, outputs and types', () => {
  const graph = new Graph(chain().model().proto);
  expect(graph.producer('b')!.name).toBe('neg');
  expect(graph.producer('a')).toBeUndefined();
  expect(names(graph.consumers('b'))).toEqual(['dead', 'abs']);
  expect(graph.consumerCount('c')).toBe(0);
  expect([graph.isInput('a'), graph.isInput('b'), graph.isOutput('c')]).toEqual([true, false, true]);
  expect(graph.type('b')).toEqual({ elementType: 1, shape: ['n'] });
  expect(graph.opset()).toBe(18);
});

test('finish drops what no output needs, with its types and initializers', () => {
  const g = chain();
  g.random('unused_weight', [2, 2]);
  const graph = new Graph(g.model().proto);
  graph.finish();
  expect(names(graph.proto.graph!.node)).toEqual(['neg', 'abs']);
  expect(graph.proto.graph!.valueInfo.map(({ name }) => name)).toEqual(['b']);
  expect(graph.proto.graph!.initializer).toEqual([]);
});

test('replaced nodes come where their inputs allow, others keep their order', () => {
  const graph = new Graph(chain().model().proto);
  graph.detach(graph.producer('b')!);
  graph.add({ opType: 'Identity', name: 'new', inputs: ['late'], outputs: ['b'] });
  graph.add({ opType: 'Neg', name: 'neg', inputs: ['a'], outputs: ['late'] });
  graph.finish();
  expect(names(graph.proto.graph!.node)).toEqual(['neg_1', 'new', 'abs']);
});

test('a replaced input is forgotten only when no place of the node has it', () => {
  const g = new TinyGraph();
  g.input('a', 'float32', ['n']);
  g.input('z', 'float32', ['n']);
  g.node('Add', ['a', 'a'], { name: 'add', outputs: ['b'] });
  g.output('b', 'float32', ['n']);
  const graph = new Graph(g.model().proto);
  const add = graph.producer('b')!;
  graph.setInput(add, 0, 'z');
  expect(graph.consumerCount('a')).toBe(1);
  graph.setInput(add, 1, 'z');
  expect([graph.consumerCount('a'), graph.consumerCount('z')]).toEqual([0, 1]);
  expect(add.input).toEqual(['z', 'z']);
});

test('unique names are new', () => {
  const graph = new Graph(chain().model().proto);
  expect(graph.unique('fresh')).toBe('fresh');
  expect(graph.unique('b')).toBe('b_1');
  graph.addInt64('b', [1]);
  expect(graph.unique('b')).toBe('b_2');
});

test('constants are read through Identity and Cast, from initializers and Constant nodes', () => {
  const g = chain();
  const two = g.constant([2, 3]);
  const cast = g.node('Cast', [g.node('Identity', [two])], { attributes: { to: { int: 1 } } });
  const half = g.constant([0.5], 'float16');
  const graph = new Graph(g.model().proto);
  expect(graph.constant(cast)).toEqual([2, 3]);
  expect(graph.constant(half)).toEqual([0.5]);
  expect(graph.constant('b')).toBeNull();
  expect(graph.constant('nowhere')).toBeNull();
});

test('what branches read from outside counts as read', () => {
  const g = chain();
  const proto = g.model().proto;
  const body = new TinyGraph();
  body.node('Identity', ['unused'], { outputs: ['inner'] });
  body.output('inner', 'float32', ['n']);
  const branch = create(AttributeProtoSchema, { name: 'then_branch', g: body.model().proto.graph! });
  const abs = proto.graph!.node.find(({ name }) => name === 'abs')!;
  abs.opType = 'If';
  abs.attribute.push(branch);
  const graph = new Graph(proto);
  expect(names(graph.consumers('unused'))).toEqual(['abs']);
  graph.finish();
  expect(names(graph.proto.graph!.node)).toEqual(['neg', 'dead', 'abs']);
});

describe('graphs that are no graphs', () => {
  test('a cycle is named', () => {
    const { proto } = chain().model();
    proto.graph!.node[0]!.input[0] = 'c';
    expect(() => new Graph(proto)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(/cycle through (Neg|Abs)/) }),
    );
  });

  test('two producers of a value are named', () => {
    const { proto } = chain().model();
    proto.graph!.node[1]!.output[0] = 'c';
    expect(() => new Graph(proto)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(/two sources of the value c/) }),
    );
  });

  test('an empty graph is a graph', () => {
    const { proto } = chain().model();
    proto.graph = create(GraphProtoSchema, {});
    expect([...new Graph(proto).nodes]).toEqual([]);
  });
});

test('nodes of any order are put in order', () => {
  const { proto } = chain().model();
  proto.graph!.node.reverse();
  const graph = new Graph(proto);
  graph.finish();
  expect(names(graph.proto.graph!.node)).toEqual(['neg', 'abs']);
});

test('a chain of 200,000 nodes needs no stack', () => {
  const g = new TinyGraph();
  let value = g.input('a', 'float32', ['n']);
  for (let i = 0; i < 200_000; i++) value = g.node('Neg', [value]);
  g.output(value, 'float32', ['n']);
  const { proto } = g.model();
  proto.graph!.node.reverse();
  const graph = new Graph(proto);
  graph.finish();
  expect(graph.proto.graph!.node).toHaveLength(200_000);
});
