import { describe, expect, test } from 'vitest';
import { rewriteForPrefill, rewriteForProbe } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { builtModel } from './helpers/built.js';
import { tinyDecoder } from './helpers/decoder.js';
import { maxDifference, numbers, openSession, runDecoder, someTokens } from './helpers/run-decoder.js';

const CANDIDATES = Int32Array.from([...[0, 0, 0, 0], ...[1, 2, 3, 1], ...[2, 30, 100, 1], ...[3, 1000, 0, 1]]);
const ROWS = 150;

const models: [string, OnnxModel, number][] = [
  ['GroupQueryAttention', builtModel(), 272],
  ['decomposed', tinyDecoder({ form: 'decomposed', mask: 'bool' }), 96],
];

describe.each(models)('%s', (_, model, vocabulary) => {
  test('names inputs and outputs by layer, and drops what only logits need', () => {
    const { proto, layers, io } = rewriteForProbe(model);
    const { graph } = proto;
    expect(layers).toMatchObject([
      { layer: 0, candidatesInput: 'minference.candidates.0', scoresOutput: 'minference.scores.0' },
      { layer: 1, candidatesInput: 'minference.candidates.1', scoresOutput: 'minference.scores.1' },
    ]);
    expect(layers.every((layer) => layer.patternsInput === undefined)).toBe(true);
    expect(layers.map(({ budgetInput }) => budgetInput)).toEqual(['minference.budget.0', 'minference.budget.1']);
    expect(graph!.input.filter(({ name }) => name.startsWith('minference.budget'))).toHaveLength(2);
    expect(graph!.output.map(({ name }) => name)).not.toContain(io.logits);
    const probes = graph!.node.filter(({ opType }) => opType === 'AttentionProbe');
    expect(probes).toHaveLength(2);
    expect(probes[1]!.input.slice(12)).toEqual(['minference.candidates.1', 'minference.budget.1']);
    expect(probes[1]!.output[3]).toBe('minference.scores.1');
    // The last layer's output feeds nothing: its projection, MLP and the LM head are gone.
    const last = graph!.node.at(-1)!;
    expect(last.opType).toBe('AttentionProbe');
  });

  test('hands on dense attention: the cache is that of the prefill graph, covering candidates have no error', async () => {
    const [probe, prefill] = [rewriteForProbe(model), rewriteForPrefill(model)];
    using probing = await openSession(model, probe.proto, true);
    using dense = await openSession(model, prefill.proto, true);
    const tokens = someTokens(1, ROWS, vocabulary);
    const expected = await runDecoder(dense, tokens, prefill.layers[0]!);
    const feeds: Record<string, Tensor> = {
      input_ids: Tensor.fromArray('int64', BigInt64Array.from(tokens[0]!, BigInt), [1, ROWS]),
      attention_mask: Tensor.fromArray('int64', new BigInt64Array(ROWS).fill(1n), [1, ROWS]),
    };
    for (const { candidatesInput, budgetInput, pastKey, pastValue, headDim, numKvHeads } of probe.layers) {
      feeds[candidatesInput!] = Tensor.fromArray('int32', CANDIDATES, [1, 4, 4]);
      feeds[budgetInput!] = Tensor.fromArray('float32', Float32Array.of(1e9), [1]);
      for (const past of [pastKey, pastValue]) feeds[past] = Tensor.allocate('float32', [1, numKvHeads, 0, headDim]);
    }
    const fetches = Object.fromEntries(probing.outputs.map(({ name }) => [name, 'host' as const]));
    const result = await probing.run(feeds, fetches);
    for (const { presentKey, presentValue, scoresOutput, numHeads } of probe.layers) {
      for (const name of [presentKey, presentValue]) {
        expect(maxDifference(numbers(result[name]!), numbers(expected[name]!)), name).toBeLessThan(1e-5);
      }
      const scores = result[scoresOutput!]!;
      expect(scores.shape).toEqual([numHeads, CANDIDATES.length / 4, 8]);
      const data = numbers(scores);
      for (let head = 0; head < numHeads; head++) {
        const error = (candidate: number) => data[(head * 4 + candidate) * 8]!;
        expect([error(0), error(3)].every((value) => value < 1e-5)).toBe(true);
        expect(error(1)).toBeGreaterThan(1e-3);
      }
    }
  });
});
