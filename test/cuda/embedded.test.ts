import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calibrationSamples } from '../../search/calibration.js';
import { runSearch } from '../../search/run-search.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { klDivergence } from '../../src/prefill/logits.js';
import { describeCuda } from './helpers/cuda.js';
import { writeEmbeddedModel } from './helpers/half-model.js';

const LENGTH = 3000;

const prefill = async (decoder: Decoder, tokens: readonly number[], chunk?: number) => {
  const result = await decoder.prefill(tokens, { patterns: 'dense', ...(chunk === undefined ? {} : { chunk }) });
  result.cache.dispose();
  return result.logits;
};

describeCuda('the embedded model on the GPU', () => {
  let tokens: readonly number[];
  let cuda: Decoder, cpu: Decoder;
  beforeAll(async () => {
    cuda = await Decoder.open({ device: 'cuda' });
    cpu = await Decoder.open({ device: 'cpu' });
    const plan = { tokenizer: cpu.tokenizer, length: LENGTH, samples: 1, seed: 3 };
    tokens = (await calibrationSamples([{ kind: 'kv' }], plan))[0]!.tokens;
  });
  afterAll(() => {
    cuda?.dispose();
    cpu?.dispose();
  });

  test('dense logits agree with the CPU', async () => {
    expect(klDivergence(await prefill(cpu, tokens), await prefill(cuda, tokens))).toBeLessThan(2e-3);
  });

  // ONNX Runtime's GroupQueryAttention on a GPU takes 16-bit types only.
  test('in float16, dense logits agree with ONNX Runtime on the GPU', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minference-half-'));
    try {
      await writeEmbeddedModel(folder, 'fp16');
      using original = await Decoder.open({ model: folder, device: 'cuda', graph: 'original' });
      using ours = await Decoder.open({ model: folder, device: 'cuda' });
      const [expected, found] = [await prefill(original, tokens), await prefill(ours, tokens)];
      expect(klDivergence(expected, found)).toBeLessThan(2e-3);
      expect(klDivergence(await prefill(cpu, tokens), found)).toBeLessThan(1e-2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('chunks give what the whole prompt gives', async () => {
    const whole = await prefill(cuda, tokens);
    expect(klDivergence(whole, await prefill(cuda, tokens, 700))).toBeLessThan(2e-3);
  });

  test('generates what the CPU generates', async () => {
    const answer = async (decoder: Decoder) => {
      const result = await decoder.prefill(tokens, { patterns: 'dense', maxNewTokens: 24 });
      using _cache = result.cache;
      return (await decoder.generate(result, { maxNewTokens: 24 })).text;
    };
    expect(await answer(cuda)).toBe(await answer(cpu));
  });

  test('the search chooses the same patterns as on the CPU for 95 % of the heads', async () => {
    const plan = { length: 2048, budget: '30%' };
    const [onCuda, onCpu] = [await runSearch({ ...plan, device: 'cuda' }), await runSearch({ ...plan, device: 'cpu' })];
    const types = ({ patterns }: typeof onCuda) =>
      patterns.layers.flatMap(({ heads }) => heads.map(({ type }) => type));
    const [a, b] = [types(onCuda), types(onCpu)];
    const same = a.filter((type, head) => type === b[head]).length;
    expect(same / a.length).toBeGreaterThanOrEqual(0.95);
  }, 300_000);
});
