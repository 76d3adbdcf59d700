import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  compareWithDense,
  evaluateNiah,
  loadModel,
  loadPatterns,
  MinferenceError,
  PATTERN_SCHEMA,
  patternFileSchema,
  patternMatrix,
  prefill,
  savePatterns,
  search,
} from '../src/index.js';
import { writeTinyModel } from './cli/helpers/tiny-models.js';
import { sharedFolder } from './utils/temporary-folder.js';

describe('the public API', () => {
  const folder = sharedFolder();
  const out = join(folder, 'patterns.json');
  let model: string;

  beforeAll(async () => {
    model = await writeTinyModel(folder);
  });

  it('search returns the patterns, writes nothing unless asked, and is reproducible for a seed', async () => {
    const options = { model, length: 512, budget: '40%', seed: 3 };
    const first = await search(options);
    const second = await search({ ...options, out });
    expect(first).toMatchObject({ out: null, map: null });
    expect(second.patterns.layers).toEqual(first.patterns.layers);
    expect(patternFileSchema.parse(first.patterns).schema).toBe(PATTERN_SCHEMA);
    expect((await loadPatterns(out)).layers).toEqual(first.patterns.layers);
  });

  it('prefill takes a path, a file, a matrix or dense, and the same patterns give the same answer', async () => {
    using decoder = await loadModel({ model });
    const prompt = 'What was said about the otter? '.repeat(20);
    const file = await loadPatterns(out, decoder);
    const pieces: string[] = [];
    const byPath = await prefill(decoder, {
      prompt,
      patterns: out,
      maxNewTokens: 6,
      onText: (text) => pieces.push(text),
    });
    const byFile = await prefill(decoder, { prompt, patterns: file, maxNewTokens: 6 });
    const byMatrix = await prefill(decoder, { prompt, patterns: patternMatrix(file), maxNewTokens: 6 });
    expect(byFile.generation.tokens).toEqual(byPath.generation.tokens);
    expect(byMatrix.logits).toEqual(byPath.logits);
    expect(byPath.generation.text.startsWith(pieces.join(''))).toBe(true);
    expect(byPath.promptTokens).toBeGreaterThan(prompt.length);
    expect((await prefill(decoder, { prompt: [5, 6, 7], maxNewTokens: 1 })).promptTokens).toBe(3);

    const { kl, speedup } = await compareWithDense(
      decoder,
      Array.from({ length: 256 }, (_, i) => 6 + (i % 200)),
      {
        patterns: patternMatrix(file),
        maxNewTokens: 2,
      },
    );
    expect(kl).toBeGreaterThanOrEqual(0);
    expect(speedup).toBeGreaterThan(0);
  });

  it('evaluateNiah compares methods on the same prompts', async () => {
    const { prompts, results } = await evaluateNiah({
      model,
      patterns: out,
      lengths: [1024],
      depths: 1,
      tasks: 'single_1',
      methods: 'dense,minference',
    });
    expect(results.aggregates.map(({ method, n }) => [method, n])).toContainEqual(['minference', 1]);
    expect(prompts[0]!.answers).toHaveLength(2);
  });

  it('savePatterns writes what loadPatterns reads', async () => {
    const file = await loadPatterns(out);
    const copy = join(folder, 'copy.json');
    await savePatterns(copy, file);
    expect(await loadPatterns(copy)).toEqual(file);
  });

  it('fails with a code, a message and a hint', async () => {
    const error = await loadModel({ model: join(folder, 'none') }).catch((reason) => reason);
    expect(error).toBeInstanceOf(MinferenceError);
    expect(error).toMatchObject({ code: 'MODEL_NOT_FOUND', hint: expect.any(String) });
  });
});
