import { describe, expect, it } from 'vitest';
import { type ChooseOptions, chooseHeads } from '../../search/build-file.js';
import type { CandidateScore, SampleScores } from '../../search/scores.js';
import { measureStability, quantiles } from '../../search/stability.js';
import type { AttentionLayer } from '../../src/onnx/types.js';
import { denseCausalFlops } from '../../src/patterns/flops.js';

const layer: AttentionLayer = {
  layer: 0,
  node: 'attn',
  source: 'GroupQueryAttention',
  numHeads: 2,
  numKvHeads: 1,
  headDim: 16,
  window: null,
  pastKey: 'pk',
  pastValue: 'pv',
  presentKey: 'k',
  presentValue: 'v',
};
const length = 1024;
const dense = denseCausalFlops(length, 16);
const options: ChooseOptions = {
  layers: [layer],
  candidates: [
    { type: 'a_shape', sink: 4, window: 100, fit: 'window' },
    { type: 'vertical_slash', vertical: 30, slash: 100, fit: 'slash' },
  ],
  cost: { spec: '20%', flops: 0.2 * dense, fraction: 0.2 },
  objective: 'answer',
  length,
};
const score = (errorLast: number, part: Partial<CandidateScore> = {}): CandidateScore => ({
  errorAll: 0.3,
  errorLast,
  massRecall: 0.8,
  flops: 0.19 * dense,
  a: 30,
  b: 112,
  ...part,
});
const sample = (...heads: [number, number][]): SampleScores => [heads.map((pair) => pair.map((value) => score(value)))];

describe('measureStability', () => {
  it('counts the prompts that alone choose the same type', () => {
    // Head 0: A-shape, vertical-slash, vertical-slash; together vertical-slash. Head 1: always A-shape.
    const samples = [sample([0.1, 0.2], [0.1, 0.9]), sample([0.5, 0.1], [0.1, 0.9]), sample([0.5, 0.1], [0.2, 0.9])];
    const heads = chooseHeads(samples, options);
    expect(heads[0]!.map(({ type }) => type)).toEqual(['vertical_slash', 'a_shape']);
    const stability = measureStability(heads, samples, options);
    expect(stability.typeAgreement![0]![0]).toBeCloseTo(2 / 3);
    expect(stability.typeAgreement![0]![1]).toBe(1);
    expect(stability.meanTypeAgreement).toBeCloseTo(5 / 6);
    expect(stability.recall.median).toBeCloseTo(0.8);
    expect(stability.samples).toBe(3);
    const alone = measureStability(heads, samples.slice(0, 1), options);
    expect([alone.typeAgreement, alone.meanTypeAgreement]).toEqual([null, null]);
  });

  it('interpolates quantiles', () => {
    expect(quantiles([4, 1, 3, 2])).toEqual({
      min: 1,
      p10: expect.closeTo(1.3),
      median: 2.5,
      p90: expect.closeTo(3.7),
      max: 4,
    });
    expect(quantiles([7])).toEqual({ min: 7, p10: 7, median: 7, p90: 7, max: 7 });
  });
});

describe('chooseHeads', () => {
  it('writes sizes after fitting, errors, and the cost as a share of dense', () => {
    const [heads] = chooseHeads([sample([0.1, 0.2], [0.9, 0.2])], options);
    expect(heads![0]).toEqual({
      type: 'a_shape',
      sink: 30,
      window: 112,
      recall: 0.8,
      error: 0.3,
      answer_error: 0.1,
      flops: 0.19 * dense,
      fraction: 0.19,
    });
    expect(heads![1]).toMatchObject({ type: 'vertical_slash', vertical: 30, slash: 112 });
  });

  it('is dense only where the budget allows it, or where a window makes it cheap', () => {
    const samples = [sample([0.1, 0.2], [0.9, 0.2])];
    const types = (over: Partial<ChooseOptions>) =>
      chooseHeads(samples, { ...options, ...over })[0]!.map(({ type }) => type);
    expect(types({})).not.toContain('dense');
    expect(types({ cost: { spec: '100%', flops: dense, fraction: 1 } })).toEqual(['dense', 'dense']);
    const [windowed] = chooseHeads(samples, { ...options, layers: [{ ...layer, window: 128 }] });
    expect(windowed![0]).toMatchObject({ type: 'dense', recall: 1, error: 0 });
    expect(windowed![0]!.fraction).toBeCloseTo(1 - (896 * 897) / (1024 * 1025), 4);
    expect(types({ layers: [{ ...layer, window: 4096 }] })).not.toContain('dense');
  });

  it('says what budget would do when none can be met', () => {
    const costly = score(0.1, { flops: 0.35 * dense });
    const samples: SampleScores[] = [
      [
        [
          [costly, costly],
          [costly, costly],
        ],
      ],
    ];
    expect(() => chooseHeads(samples, options)).toThrow(/layer 0 head 0 costs 35\.0 % of dense/);
  });
});
