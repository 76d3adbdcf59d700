import { describe, expect, it } from 'vitest';
import { type ChoiceFacts, chooseHeads } from '../../search/choose-heads.js';
import type { CandidateScore, SampleScores } from '../../search/scores.js';
import { measureStability, quantiles } from '../../search/stability.js';
import { tightBudget } from '../../search/tight-budget.js';
import type { MinferenceError } from '../../src/errors.js';
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
const facts: ChoiceFacts = {
  layers: [layer],
  budgets: [{ flops: 0.2 * dense, fraction: 0.2 }],
  budgetText: '20%',
  objective: 'answer',
  length,
};
const score = (errorLast: number, part: Partial<CandidateScore> = {}): CandidateScore => ({
  errorAll: 0.3,
  errorLast,
  massRecall: 0.8,
  flops: 0.19 * dense,
  pattern: { type: 'a_shape', sink: 30, window: 112 },
  ...part,
});
/** Scores of an A-shape and a vertical-slash candidate, head by head. */
const sample = (...heads: [number, number][]): SampleScores => [
  heads.map(([aShape, verticalSlash]) => [
    score(aShape),
    score(verticalSlash, { pattern: { type: 'vertical_slash', vertical: 30, slash: 112 } }),
  ]),
];

describe('measureStability', () => {
  it('counts the prompts that alone choose the same type', () => {
    // Head 0: A-shape, vertical-slash, vertical-slash; together vertical-slash. Head 1: always A-shape.
    const samples = [sample([0.1, 0.2], [0.1, 0.9]), sample([0.5, 0.1], [0.1, 0.9]), sample([0.5, 0.1], [0.2, 0.9])];
    const { heads } = chooseHeads(samples, facts);
    expect(heads[0]!.map(({ type }) => type)).toEqual(['vertical_slash', 'a_shape']);
    const stability = measureStability(heads, samples, facts);
    expect(stability.typeAgreement![0]![0]).toBeCloseTo(2 / 3);
    expect(stability.typeAgreement![0]![1]).toBe(1);
    expect(stability.meanTypeAgreement).toBeCloseTo(5 / 6);
    expect(stability.recall.median).toBeCloseTo(0.8);
    expect(stability.samples).toBe(3);
    const alone = measureStability(heads, samples.slice(0, 1), facts);
    expect([alone.typeAgreement, alone.meanTypeAgreement]).toEqual([null, null]);
  });

  it('does not count layers that nothing was chosen for', () => {
    const both = [sample([0.1, 0.2], [0.1, 0.9])[0]!, []];
    const other = [sample([0.5, 0.1], [0.1, 0.9])[0]!, []];
    const mixed = {
      ...facts,
      layers: [layer, { ...layer, window: 64 }],
      budgets: [facts.budgets[0]!, facts.budgets[0]!],
    };
    const { heads } = chooseHeads([both, other], mixed);
    const stability = measureStability(heads, [both, other], mixed);
    expect(stability.typeAgreement).toEqual([
      [0.5, 1],
      [null, null],
    ]);
    expect(stability.meanTypeAgreement).toBe(0.75);
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
    const [heads] = chooseHeads([sample([0.1, 0.2], [0.9, 0.2])], facts).heads;
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
    const types = (over: Partial<ChoiceFacts>) =>
      chooseHeads(samples, { ...facts, ...over }).heads[0]!.map(({ type }) => type);
    expect(types({})).not.toContain('dense');
    expect(types({ budgets: [{ flops: dense, fraction: 1 }] })).toEqual(['dense', 'dense']);
    const [windowed] = chooseHeads(samples, { ...facts, layers: [{ ...layer, window: 128 }] }).heads;
    expect(windowed![0]).toMatchObject({ type: 'dense', recall: 1, error: 0 });
    expect(windowed![0]!.fraction).toBeCloseTo(1 - (896 * 897) / (1024 * 1025), 4);
    expect(types({ layers: [{ ...layer, window: 4096 }] })).not.toContain('dense');
  });

  it('says what budget would do when some head can meet none: that of the dearest head', () => {
    const costing = (share: number) => [score(0.1, { flops: share * dense }), score(0.1, { flops: 0.9 * dense })];
    const error = catching(() => chooseHeads([[[costing(0.25), costing(0.35)]]], facts));
    expect(error.message).toMatch(/layer 0 head 1 costs 35\.0 % of dense/);
    expect(error.hint).toMatch(/--budget 35% or more/);
  });

  it('keeps to the budget of each layer', () => {
    const wide = { ...layer, layer: 1, headDim: 32 };
    const scores = sample([0.1, 0.2], [0.1, 0.2])[0]!;
    const twice = scores.map((head) => head.map((one) => ({ ...one, flops: 2 * one.flops })));
    const budgets = [facts.budgets[0]!, { flops: 0.4 * dense, fraction: 0.2 }];
    const { heads } = chooseHeads([[scores, twice]], { ...facts, layers: [layer, wide], budgets });
    expect(heads[1]![0]).toMatchObject({ flops: 0.38 * dense, fraction: 0.19 });
    expect(() =>
      chooseHeads([[scores, twice]], { ...facts, layers: [layer, wide], budgets: [budgets[0]!, budgets[0]!] }),
    ).toThrow(/layer 1 head 0/);
  });

  it('leaves heads dense whose activations are no numbers, and names them', () => {
    const broken = sample([0.1, 0.2], [Number.NaN, 0.2]);
    const { heads, anomalies } = chooseHeads([sample([0.1, 0.2], [0.1, 0.2]), broken], facts);
    expect(heads[0]!.map(({ type }) => type)).toEqual(['a_shape', 'dense']);
    expect(anomalies).toEqual([{ layer: 0, heads: [1] }]);
  });
});

describe('tightBudget', () => {
  it('names the budget with which a type fits in every head', () => {
    const scores = (share: number) => [
      score(0.1),
      score(0.1, { flops: share * dense, pattern: { type: 'vertical_slash', vertical: 30, slash: 16 } }),
    ];
    expect(tightBudget([[[scores(0.25), scores(0.31)]]], facts)).toMatch(
      /no room for vertical-slash \(31 % of dense at least\).*--budget 31%$/,
    );
    expect(tightBudget([[[scores(0.19), scores(0.31)]]], facts)).toBeUndefined();
  });
});

function catching(run: () => unknown): MinferenceError {
  try {
    run();
  } catch (error) {
    return error as MinferenceError;
  }
  throw new Error('expected an error');
}
