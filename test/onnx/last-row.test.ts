import { describe, expect, test } from 'vitest';
import { rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { builtModel } from './helpers/built.js';
import { tinyDecoder, VOCABULARY } from './helpers/decoder.js';
import { expectEqualToOriginal } from './helpers/run-decoder.js';

/** What the cuts read, and which node gives it. */
function cuts(model: OnnxModel): string[] {
  const { graph } = rewriteForPrefill(model).proto;
  const producers = new Map(graph!.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  return graph!.node
    .filter(({ name }) => name.endsWith('/LastRow'))
    .map(({ input }) => producers.get(input[0]!)!.opType)
    .sort();
}

const nodesBehindCuts = (model: OnnxModel) => {
  const { graph } = rewriteForPrefill(model).proto;
  const sliced = new Set(graph!.node.filter(({ name }) => name.endsWith('/LastRow')).flatMap(({ output }) => output));
  const behind: string[] = [];
  for (const node of graph!.node) {
    if (!node.input.some((name) => sliced.has(name))) continue;
    for (const name of node.output) sliced.add(name);
    behind.push(node.opType);
  }
  return behind;
};

test('the last layer runs on one row from its attention on', () => {
  // The residual stream and the last attention are read whole by keys, values and queries; all else follows the cut.
  const model = builtModel();
  expect(cuts(model)).toEqual(['SkipSimplifiedLayerNormalization', 'SparseAttention']);
  expect(nodesBehindCuts(model)).toEqual([
    'MatMul',
    'SkipSimplifiedLayerNormalization',
    'MatMul',
    'MatMul',
    'Sigmoid',
    'Mul',
    'Mul',
    'MatMul',
    'SkipSimplifiedLayerNormalization',
    'MatMul',
  ]);
});

test('quantised projections and norms of single nodes are cut through as well', () => {
  expect(cuts(builtModel({ dtype: 'int4' }))).toEqual(['SkipSimplifiedLayerNormalization', 'SparseAttention']);
  expect(cuts(tinyDecoder({ form: 'decomposed', mask: 'bool' }))).toEqual(['Add', 'SparseAttention']);
});

test('the declared shape of the logits says one row, batch stays symbolic', () => {
  const { proto, io } = rewriteForPrefill(builtModel());
  const logits = proto.graph!.output.find(({ name }) => name === 'logits')!.type!.value;
  const dims = logits.case === 'tensorType' ? logits.value.shape!.dim.map(({ value }) => value.value) : [];
  expect(dims).toEqual(['batch_size', 1n, 272n]);
  expect(io.logitsRows).toBe('last');
});

test("'all' keeps every row", () => {
  const { proto, io } = rewriteForPrefill(builtModel(), { logits: 'all' });
  expect(io.logitsRows).toBe('all');
  expect(proto.graph!.node.some(({ name }) => name.endsWith('/LastRow'))).toBe(false);
});

describe('where rows are mixed behind the last attention', () => {
  const variants: [string, Parameters<typeof tinyDecoder>[0]['tamper']][] = [
    [
      'a running sum over rows',
      (g, hidden, layer) => (layer === 1 ? g.node('CumSum', [hidden, g.constant(1)]) : hidden),
    ],
    [
      'a mean over rows added to each',
      (g, hidden, layer) => {
        if (layer === 0) return hidden;
        const mean = g.node('ReduceMean', [hidden, g.constant([1])], { attributes: { keepdims: { int: 1 } } });
        return g.node('Add', [hidden, mean]);
      },
    ],
    [
      'rows shifted by one',
      (g, hidden, layer) => {
        if (layer === 0) return hidden;
        const [zero, one, far] = [g.constant([0]), g.constant([1]), g.constant([-1])];
        const first = g.node('Slice', [hidden, zero, one, one]);
        const others = g.node('Slice', [hidden, zero, far, one]);
        const shifted = g.node('Concat', [first, others], { attributes: { axis: { int: 1 } } });
        return g.node('Add', [hidden, shifted]);
      },
    ],
    [
      'a reshape that counts on all rows, beside row-wise work',
      (g, hidden, layer) => {
        if (layer === 0) return hidden;
        const flat = g.node('Reshape', [hidden, g.constant([-1, 32])]);
        const sigmoid = g.node('Sigmoid', [flat]);
        const back = g.node('Reshape', [sigmoid, g.node('Shape', [hidden])]);
        return g.node('Mul', [hidden, back]);
      },
    ],
    [
      'a factor computed from the number of rows',
      (g, hidden, layer) => {
        if (layer === 0) return hidden;
        const rows = g.node('Gather', [g.node('Shape', [hidden]), g.constant(1)]);
        return g.node('Div', [hidden, g.node('Sqrt', [g.node('Cast', [rows], { attributes: { to: { int: 1 } } })])]);
      },
    ],
    [
      'another output that needs all rows of the last norm',
      (g, hidden, layer) => {
        if (layer === 0) return hidden;
        const copy = g.node('Identity', [hidden], { outputs: ['present.hidden'] });
        g.output(copy, 'float32', ['batch_size', 'sequence_length', 32]);
        return hidden;
      },
    ],
  ];
  test.each(variants)('%s: the cut stays below, results are the same', async (_, tamper) => {
    const model = tinyDecoder({ form: 'decomposed', mask: 'bool', ...(tamper ? { tamper } : {}) });
    model.proto.graph!.output = model.proto.graph!.output.filter(({ name }) => name !== 'present.hidden');
    await expectEqualToOriginal(model, { vocabulary: VOCABULARY });
  });

  test('an output of all rows stays whole', () => {
    const model = tinyDecoder({ form: 'decomposed', mask: 'bool', tamper: variants[5]![1]! });
    expect(cuts(model)).toEqual(['Add']);
  });
});

test('an exporter that gives the last row itself is left as it is', () => {
  const model = tinyDecoder({
    form: 'decomposed',
    mask: 'bool',
    tamper: (g, hidden, layer) => {
      if (layer === 0) return hidden;
      const last = g.node('Gather', [hidden, g.constant(-1)], { attributes: { axis: { int: 1 } } });
      return g.node('Unsqueeze', [last, g.constant([1])]);
    },
  });
  const { io, report } = rewriteForPrefill(model, { logits: 'all' });
  expect(io.logitsRows).toBe('last');
  expect(report.rules.map(({ rule }) => rule)).not.toContain('last row of logits');
  expect(cuts(model)).toEqual([]);
});
