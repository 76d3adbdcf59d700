import { describe, expect, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { Graph } from '../../src/onnx/graph.js';
import { LOSS_OUTPUT, scoreNextTokens, TARGETS_INPUT } from '../../src/onnx/rewrite/next-token-loss.js';
import { rewriteForLikelihood } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { builtModel } from './helpers/built.js';
import { tinyDecoder, VOCABULARY } from './helpers/decoder.js';
import { decoderFeeds, numbers, openSession, someTokens } from './helpers/run-decoder.js';
import { TinyGraph } from './helpers/tiny-graph.js';

/** The op types of the loop's body, and of the graph around it. */
function opTypes(model: OnnxModel) {
  const { graph } = rewriteForLikelihood(model).proto;
  const loop = graph!.node.find(({ opType }) => opType === 'Loop')!;
  const body = loop.attribute.find(({ name }) => name === 'body')!.g!;
  return { body: body.node.map(({ opType }) => opType), outside: graph!.node.map(({ opType }) => opType) };
}

/** −ln softmax(logits)[target] by the definition, in double precision. */
function lossOf(logits: Float32Array, targets: readonly number[]): number[] {
  const vocabulary = logits.length / targets.length;
  return targets.map((target, row) => {
    const values = [...logits.subarray(row * vocabulary, (row + 1) * vocabulary)];
    return Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0)) - values[target]!;
  });
}

/** The loss by the rewritten graph in steps of `stepRows`, and by the logits of plain ONNX Runtime. */
async function bothLosses(model: OnnxModel, vocabulary: number, rows: number, stepRows: number) {
  const [tokens, [targets]] = [someTokens(1, rows, vocabulary), someTokens(1, rows, vocabulary, 5) as [number[]]];
  const rewritten = rewriteForLikelihood(model, { stepRows });
  const headDim = rewritten.layers[0]!.headDim;
  using original = await openSession(model, model.proto, false);
  using scoring = await openSession(model, rewritten.proto, true);
  using logits = (await original.run(decoderFeeds(original, tokens, { headDim }), { logits: 'host' })).logits!;
  const target = Tensor.fromArray('int64', BigInt64Array.from(targets, BigInt), [1, rows, 1]);
  const feeds = { ...decoderFeeds(scoring, tokens, { headDim }), [TARGETS_INPUT]: target };
  using loss = (await scoring.run(feeds, { [LOSS_OUTPUT]: 'host' }))[LOSS_OUTPUT]!;
  return { shape: loss.shape, loss: [...numbers(loss)], expected: lossOf(numbers(logits), targets) };
}

const expectClose = (found: readonly number[], expected: readonly number[], digits: number) => {
  expect(found).toHaveLength(expected.length);
  for (const [row, value] of expected.entries()) expect(found[row], `row ${row}`).toBeCloseTo(value, digits);
};

describe.each<[string, DecoderSpec]>([
  ['genai', {}],
  ['genai, 4 bits', { dtype: 'int4', hiddenSize: 64 }],
  ['Optimum', { style: 'optimum' }],
])('%s', (_, spec) => {
  test.each([
    ['one step', 37, 64],
    ['whole steps', 36, 12],
    ['a last step of fewer rows', 37, 12],
    ['a row at a time', 5, 1],
  ])('the loss of every row, in %s', async (_, rows, stepRows) => {
    const { shape, loss, expected } = await bothLosses(builtModel(spec), 272, rows, stepRows);
    expect(shape).toEqual([rows]);
    expectClose(loss, expected, 4);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
  });
});

test('worked by hand: −ln of the targets’ shares', async () => {
  const g = new TinyGraph();
  g.input('rows', 'float32', [1, 'rows', 4]);
  g.node('Identity', ['rows'], { outputs: ['logits'] });
  g.output('logits', 'float32', [1, 'rows', 4]);
  const graph = new Graph(g.model().proto);
  scoreNextTokens(graph, 'logits', 2);
  graph.finish();
  using session = await openSession({ ...g.model(), proto: graph.proto }, graph.proto, false);
  // Equal logits are a fourth each; logits ln 1 … ln 4 are shares 1/10 … 4/10, whatever is added to all of them.
  const logs = [1, 2, 3, 4].map(Math.log);
  const rows = [[7, 7, 7, 7], logs, logs.map((log) => log + 50)];
  const feeds = {
    rows: Tensor.fromArray('float32', Float32Array.from(rows.flat()), [1, 3, 4]),
    [TARGETS_INPUT]: Tensor.fromArray('int64', BigInt64Array.of(2n, 3n, 0n), [1, 3, 1]),
  };
  using loss = (await session.run(feeds, { [LOSS_OUTPUT]: 'host' }))[LOSS_OUTPUT]!;
  expectClose([...numbers(loss)], [Math.log(4), Math.log(10 / 4), Math.log(10)], 5);
});

test('float16 logits are summed in float32', async () => {
  const model = tinyDecoder({ form: 'decomposed', mask: 'bool', dtype: 'float16' });
  const { loss, expected } = await bothLosses(model, VOCABULARY, 37, 10);
  expectClose(loss, expected, 1);
});

test('only what is as wide as the vocabulary moves into the loop', () => {
  const { body, outside } = opTypes(builtModel());
  expect(body.filter((op) => op === 'MatMul')).toHaveLength(1);
  expect(body).not.toContain('SkipSimplifiedLayerNormalization');
  expect(outside.filter((op) => op === 'MatMul').length).toBeGreaterThan(4);
  expect(rewriteForLikelihood(builtModel()).io.logitsRows).toBe('steps');
});

test('a soft-cap behind the LM head moves with it', async () => {
  const model = tinyDecoder({
    form: 'decomposed',
    mask: 'bool',
    behindHead: (g, logits) => {
      const capped = g.node('Tanh', [g.node('Div', [logits, g.constant(2, 'float32')])]);
      return g.node('Mul', [capped, g.constant(2, 'float32')]);
    },
  });
  expect(opTypes(model).body.filter((op) => ['MatMul', 'Tanh', 'Div'].includes(op))).toEqual(['MatMul', 'Div', 'Tanh']);
  const { loss, expected } = await bothLosses(model, VOCABULARY, 20, 7);
  expectClose(loss, expected, 4);
});

test('where rows are mixed behind the LM head, all logits are computed and then scored', async () => {
  const model = tinyDecoder({
    form: 'decomposed',
    mask: 'bool',
    behindHead: (g, logits) => g.node('CumSum', [logits, g.constant(1)]),
  });
  expect(rewriteForLikelihood(model).io.logitsRows).toBe('all');
  expect(opTypes(model).body).not.toContain('MatMul');
  const { loss, expected } = await bothLosses(model, VOCABULARY, 20, 7);
  expectClose(loss, expected, 3);
});

test('a graph that gives the last row only is refused', () => {
  const model = tinyDecoder({
    form: 'decomposed',
    mask: 'bool',
    tamper: (g, hidden, layer) => {
      if (layer === 0) return hidden;
      const last = g.node('Gather', [hidden, g.constant(-1)], { attributes: { axis: { int: 1 } } });
      return g.node('Unsqueeze', [last, g.constant([1])]);
    },
  });
  expect(() => rewriteForLikelihood(model)).toThrow(
    expect.objectContaining({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('found those of the last one alone'),
    }),
  );
});
