import { expect, it } from 'vitest';
import { runSearch } from '../../search/run-search.js';
import { findPatterns } from '../../src/patterns/find-patterns.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { silentProgress } from '../../src/utils/progress.js';

it('searches the embedded model at 1K', async () => {
  const { patterns, layers, svg } = await runSearch({ length: 1024, budget: '30%', device: 'cpu' });
  expect(patterns.model).toMatchObject({
    id: 'needle-28m',
    num_layers: 8,
    num_heads: 8,
    num_kv_heads: 2,
    head_dim: 64,
  });
  expect(layers).toHaveLength(8);
  expect(layers[0]).toMatchObject({ layer: 0, recall: expect.any(Number), answerError: expect.any(Number) });
  expect(svg.match(/<title>layer/g)).toHaveLength(64);
  // Heads of a trained model keep most of what they say for the answer at 30 % of the cost; random ones do not.
  const errors = patterns.layers.flatMap(({ heads }) => heads.map((head) => head.answer_error!));
  expect(errors.reduce((sum, error) => sum + error) / errors.length).toBeLessThan(0.25);
});

it('warns where the index alone costs more than the budget', async () => {
  const warnings: string[] = [];
  const progress = { ...silentProgress, warn: (line: string) => warnings.push(line) };
  await runSearch({ length: 1024, budget: '20%', device: 'cpu' }, { progress });
  expect(warnings).toEqual([expect.stringMatching(/no room for .*vertical-slash \(2\d % .* give --budget 2\d%/)]);
  await runSearch({ length: 1024, budget: '30%', device: 'cpu' }, { progress });
  expect(warnings).toHaveLength(1);
});

it('ships the pattern file of the embedded model', async () => {
  using decoder = await Decoder.open({ device: 'cpu' });
  const found = await findPatterns(decoder);
  expect(found?.path).toMatch(/needle-28m\.json$/);
  expect(found?.file.search).toMatchObject({ objective: 'answer', length: 8192, budget: { spec: '20%' } });
});
