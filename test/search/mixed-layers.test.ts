import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { runSearch } from '../../search/run-search.js';
import { checkModel } from '../../src/patterns/check-model.js';
import { loadPatterns } from '../../src/patterns/load-patterns.js';
import { readMinferenceLayers, toMinferenceLayers } from '../../src/patterns/minference-json.js';
import { isSearched } from '../../src/patterns/pattern-file.js';
import { patternMatrix } from '../../src/patterns/to-matrix.js';
import { compareWithDense } from '../../src/prefill/compare.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { maxDifference, someTokens, tinyModel } from '../prefill/helpers.js';

/** Models of four layers, with those that are searched and those that have no heads. */
const models: [string, DecoderSpec, { searched: number[]; headless: number[] }][] = [
  [
    'smooth softmax, a window',
    { layerKinds: { 0: 'smooth' }, slidingWindow: { size: 64, layers: [2] } },
    { searched: [1, 3], headless: [] },
  ],
  ['linear attention', { layerKinds: { 0: 'linear', 2: 'linear' } }, { searched: [1, 3], headless: [0, 2] }],
  [
    'short convolutions, shared keys and values',
    { layerKinds: { 1: 'conv', 2: 'shared' } },
    { searched: [0, 3], headless: [1] },
  ],
  [
    'a decomposed layer with a bias',
    { style: 'optimum', layerKinds: { 1: 'biased' } },
    { searched: [0, 2, 3], headless: [] },
  ],
];

test.each(models.map(([name, spec, layers]) => ({ name, spec, ...layers })))(
  'search, file and prefill number the layers of the model: $name',
  async ({ spec, searched, headless }) => {
    const model = await tinyModel({ numLayers: 4, maxPositions: 2048, ...spec });
    const folder = mkdtempSync(join(tmpdir(), 'minference-mixed-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const out = join(folder, 'patterns.json');
    const result = await runSearch({ model, out, device: 'cpu', length: 1024, budget: '40%', samples: 2, seed: 3 });

    using decoder = await Decoder.open({ model, device: 'cpu' });
    const file = await loadPatterns(out, decoder);
    expect(file).toEqual(result.patterns);
    expect(file.model.num_layers).toBe(4);
    const numbers = (keep: (layer: (typeof file.layers)[number]) => boolean) =>
      file.layers.flatMap((layer, index) => (keep(layer) ? [index] : []));
    expect(numbers(isSearched)).toEqual(searched);
    expect(numbers(({ heads }) => heads.length === 0)).toEqual(headless);
    for (const layer of file.layers.filter((entry) => !isSearched(entry))) {
      expect(layer.heads.every(({ type }) => type === 'dense')).toBe(true);
    }
    // What stays as it is counts nowhere.
    const summaries = result.layers.filter(({ leftAlone, window }) => leftAlone === null && window === null);
    expect(summaries.map(({ layer }) => layer)).toEqual(searched);
    expect(summaries.every(({ recall }) => recall > 0 && recall <= 1)).toBe(true);

    const patterns = patternMatrix(file);
    const tokens = someTokens(1500);
    const compared = await compareWithDense(decoder, tokens, { patterns, maxNewTokens: 3, chunk: 700 });
    expect(maxDifference(compared.sparse.logits, compared.dense.logits)).toBeGreaterThan(1e-6);
    expect(Number.isFinite(compared.kl)).toBe(true);

    // MInference's list has the same layers; those that stay as they are stay so, whatever a list says.
    const list = toMinferenceLayers(file);
    const back = readMinferenceLayers(list, { name: 'list', layers: decoder.layers, leftAlone: decoder.leftAlone });
    expect(back.layers.map(({ heads }) => heads.length)).toEqual(file.layers.map(({ heads }) => heads.length));
    const alone = decoder.leftAlone.map(({ layer }) => back.layers[layer]!);
    expect(alone.length).toBeGreaterThan(0);
    expect(alone.every(({ left_alone, heads }) => left_alone && heads.every(({ type }) => type === 'dense'))).toBe(
      true,
    );
  },
);

test('patterns for a layer that stays as it is are refused, and so are those of another number of layers', async () => {
  const model = await tinyModel({ numLayers: 3, layerKinds: { 1: 'smooth' }, maxPositions: 2048 });
  const { patterns } = await runSearch({ model, device: 'cpu', length: 1024, budget: '40%' });
  using decoder = await Decoder.open({ model, device: 'cpu' });
  const { left_alone: _, ...sparse } = patterns.layers[1]!;
  const wrong = { ...patterns, layers: patterns.layers.with(1, { ...sparse, heads: patterns.layers[0]!.heads }) };
  expect(() => checkModel(wrong, decoder, { name: 'p.json' })).toThrow(/layer 1 stays as it is/);
  const short = { ...patterns, model: { ...patterns.model, num_layers: 2 } };
  expect(() => checkModel(short, decoder, { name: 'p.json' })).toThrow(/the model has 3 layers, the file 2/);
});
