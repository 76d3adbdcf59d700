import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { loadPatterns } from '../../src/patterns/load-patterns.js';
import {
  findMinferenceLayers,
  type MinferenceLayers,
  readMinferenceLayers,
  toMinferenceLayers,
  withMinferenceLayers,
} from '../../src/patterns/minference-json.js';
import { parsePatternFile } from '../../src/patterns/parse-pattern-file.js';
import { formatPatterns } from '../../src/patterns/save-patterns.js';
import { sampleFile } from './sample-file.js';

const read = (value: unknown, numHeads?: number[]) =>
  readMinferenceLayers(value, {
    name: 'theirs.json',
    ...(numHeads ? { layers: numHeads.map((count) => ({ numHeads: count })) } : {}),
  });

describe("MInference's own format", () => {
  it('reads all types under all names', () => {
    const file = read([
      {
        '0': ['vertical_and_slash', 1000, 6096, 0.93],
        '1': ['stream_llm', 100, 800, 22_000_000],
        '2': ['block_sparse', 100, 6096, 1],
        '10': ['vertical_slash', 30, 2048, 1],
      },
    ]);
    expect(file.layers[0]!.heads).toHaveLength(11);
    expect(file.layers[0]!.heads.slice(0, 3)).toEqual([
      { type: 'vertical_slash', vertical: 1000, slash: 6096, score: 0.93 },
      { type: 'a_shape', sink: 100, window: 800, score: 22_000_000 },
      { type: 'block_sparse', blocks: 100, unused: 6096, score: 1 },
    ]);
    expect(parsePatternFile(file, 'x')).toEqual(file);
  });

  it('gives heads that are left out what MInference gives them', () => {
    const { heads } = read([{ '1': ['stream_llm', 1, 2, 3] }], [4]).layers[0]!;
    expect(heads).toHaveLength(4);
    expect(heads[0]).toEqual({ type: 'vertical_slash', vertical: 1000, slash: 6096, score: 1 });
    expect(heads[3]).toEqual(heads[0]);
  });

  it('names another tool’s settings under the same key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minference-config-'));
    const path = join(folder, 'config.json');
    const modelOptimizer = { config_groups: { group_0: { sparse_algo: 'softmax_skip', targets: ['LlamaAttention'] } } };
    await writeFile(path, JSON.stringify({ model_type: 'llama', sparse_attention_config: modelOptimizer }));
    await expect(loadPatterns(path)).rejects.toMatchObject({
      code: 'PATTERNS_INVALID',
      message: expect.stringMatching(/found the sparse_attention_config of NVIDIA Model-Optimizer/),
    });
    await rm(folder, { recursive: true });
  });

  it('refuses a list of layers that says nothing of any head', () => {
    expect(() => read([{}, {}], [4, 4])).toThrow(/expected a pattern for one head at least, found 2 empty layers/);
    expect(read([{}, { '0': ['stream_llm', 1, 2, 3] }], [1, 1]).layers[0]!.heads).toHaveLength(1);
  });

  it('survives their → ours → their without loss (property)', () => {
    const size = fc.nat(2 ** 30);
    const entry = fc.tuple(
      fc.constantFrom('vertical_and_slash', 'stream_llm', 'block_sparse'),
      size,
      size,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const layers = fc.array(fc.array(entry, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(layers, (heads) => {
        const theirs: MinferenceLayers = heads.map((layer) => Object.fromEntries(layer.entries()));
        const ours = parsePatternFile(JSON.parse(formatPatterns(read(theirs))), 'x');
        expect(toMinferenceLayers(ours)).toEqual(JSON.parse(JSON.stringify(theirs)));
      }),
    );
  });

  it('keeps the patterns of ours → theirs → ours; dense becomes a vertical-slash beyond every context', () => {
    const { layers } = read(JSON.parse(JSON.stringify(toMinferenceLayers(sampleFile()))));
    expect(layers[0]!.heads).toMatchObject([
      { type: 'vertical_slash', vertical: 1000, slash: 6096, score: 0.97 },
      { type: 'a_shape', sink: 64, window: 512, score: 0.5 },
      { type: 'block_sparse', blocks: 10 },
      { type: 'vertical_slash', vertical: 2 ** 30, slash: 2 ** 30 },
    ]);
  });

  it('finds the list where vLLM and SGLang have it in a config.json, and puts it there', () => {
    const list = toMinferenceLayers(sampleFile());
    const plain = { model_type: 'llama' };
    expect(withMinferenceLayers(plain, list)).toEqual({ model_type: 'llama', sparse_attention_config: list });
    const dual = {
      model_type: 'qwen2',
      dual_chunk_attention_config: { chunk_size: 8192, sparse_attention_config: [] },
    };
    const written = withMinferenceLayers(dual, list);
    expect(written).toEqual({
      ...dual,
      dual_chunk_attention_config: { chunk_size: 8192, sparse_attention_config: list },
    });
    for (const value of [list, withMinferenceLayers(plain, list), written]) {
      expect(findMinferenceLayers(value)).toEqual(list);
    }
    expect(findMinferenceLayers(sampleFile())).toBeUndefined();
    expect(findMinferenceLayers({ dual_chunk_attention_config: null })).toBeUndefined();
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown type', [{ '0': ['top_k', 1, 2, 3] }], /layer 0 head 0: entry 0/],
    ['negative sizes', [{ '0': ['stream_llm', -1, 2, 3] }], /layer 0 head 0: entry 1/],
    ['absurd sizes', [{ '0': ['stream_llm', 1, 1e15, 3] }], /layer 0 head 0: entry 2/],
    ['a head that is no number', [{ one: ['stream_llm', 1, 2, 3] }], /layer 0/],
    ['a head number that would need gigabytes', [{ '99999999': ['stream_llm', 1, 2, 3] }], /layer 0/],
    ['too short entries', [{ '0': ['stream_llm', 1] }], /layer 0 head 0/],
    ['no layers', [], /theirs\.json/],
    ['an object', { '0': {} }, /theirs\.json/],
  ])('refuses %s', (_name, value, message) => {
    expect(() => read(value)).toThrow(MinferenceError);
    expect(() => read(value)).toThrow(message);
  });

  it('is read by loadPatterns and checked against the model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minference-interop-'));
    try {
      const path = join(folder, 'theirs.json');
      await writeFile(path, JSON.stringify([{ '0': ['stream_llm', 1, 2, 3] }]));
      const layer = { numHeads: 2, numKvHeads: 1, headDim: 8 };
      expect((await loadPatterns(path, { layers: [layer] })).layers[0]!.heads).toHaveLength(2);
      await expect(loadPatterns(path, { layers: [layer, layer] })).rejects.toMatchObject({ code: 'PATTERNS_MISMATCH' });
      await writeFile(path, JSON.stringify([{ '5': ['stream_llm', 1, 2, 3] }]));
      await expect(loadPatterns(path, { layers: [layer] })).rejects.toThrow(
        /query heads of layer 0: the model has 2, the file 6/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
