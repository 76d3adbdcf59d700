import { afterAll, beforeAll, expect, test } from 'vitest';
import { calibrationSamples } from '../../search/calibration.js';
import { runSearch } from '../../search/run-search.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { klDivergence } from '../../src/prefill/logits.js';
import { describeCuda } from './helpers/cuda.js';

const LENGTH = 3000;

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

  const prefill = async (decoder: Decoder, options: Parameters<Decoder['prefill']>[1]) => {
    const result = await decoder.prefill(tokens, options);
    result.cache.dispose();
    return result.logits;
  };

  test('dense logits agree with the CPU and with ONNX Runtime on the GPU', async () => {
    using original = await Decoder.open({ device: 'cuda', graph: 'original' });
    const ours = await prefill(cuda, { patterns: 'dense' });
    expect(klDivergence(await prefill(cpu, { patterns: 'dense' }), ours)).toBeLessThan(2e-3);
    expect(klDivergence(await prefill(original, { patterns: 'dense' }), ours)).toBeLessThan(2e-3);
  });

  test('chunks give what the whole prompt gives', async () => {
    const whole = await prefill(cuda, { patterns: 'dense' });
    const chunked = await prefill(cuda, { patterns: 'dense', chunk: 700 });
    expect(klDivergence(whole, chunked)).toBeLessThan(2e-3);
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
