import { expect, onTestFinished, test } from 'vitest';
import { Decoder, type DecoderOptions } from '../../src/prefill/decoder.js';
import { argmax } from '../../src/prefill/logits.js';
import { maxDifference, someTokens, tinyModel } from './helpers.js';

const SWITCH = 256;

async function open(options: DecoderOptions): Promise<Decoder> {
  const decoder = await Decoder.open({ device: 'cpu', ...options });
  onTestFinished(() => decoder.dispose());
  return decoder;
}

const model = () => tinyModel({ maxPositions: 1024, longRope: { switch: SWITCH, factor: 4 } });

test.each([
  ['short', 200],
  ['just short', SWITCH],
  ['just long', SWITCH + 1],
  ['long', 400],
])('%s prompts agree with plain ONNX Runtime, whole and in chunks', async (_, count) => {
  const folder = await model();
  const [original, ours] = [await open({ model: folder, graph: 'original' }), await open({ model: folder })];
  expect(ours.tableSwitch).toBe(SWITCH);
  const tokens = someTokens(count);
  const options = { patterns: 'dense', maxNewTokens: 0 } as const;
  using expected = (await original.prefill(tokens, options)).cache;
  const { logits } = await original.prefill(tokens, options);
  expect(expected.length).toBe(count);
  for (const chunk of [count, 100]) {
    const found = await ours.prefill(tokens, { ...options, chunk });
    found.cache.dispose();
    expect(maxDifference(found.logits, logits)).toBeLessThan(1e-3);
  }
});

test('an answer across the switch is that of the long tables from the first token on', async () => {
  const folder = await model();
  const [original, ours] = [await open({ model: folder, graph: 'original' }), await open({ model: folder })];
  const tokens = someTokens(SWITCH - 6);
  const prefill = await ours.prefill(tokens, { patterns: 'dense', maxNewTokens: 16 });
  const { tokens: answer } = await ours.generate(prefill, { maxNewTokens: 16, stopTokenIds: [] });
  prefill.cache.dispose();
  expect(answer).toHaveLength(16);
  // Plain ONNX Runtime on prompts that are long already takes the long tables for all of it.
  for (const at of [8, 12, 15]) {
    const { logits, cache } = await original.prefill([...tokens, ...answer.slice(0, at)], { patterns: 'dense' });
    cache.dispose();
    expect(argmax(logits)).toBe(answer[at]);
  }
});

test('an answer that would cross the switch behind a prompt made for less is refused with both numbers', async () => {
  const ours = await open({ model: await model() });
  const prefill = await ours.prefill(someTokens(SWITCH - 6), { patterns: 'dense', maxNewTokens: 6 });
  onTestFinished(() => prefill.cache.dispose());
  const { tokens } = await ours.generate(prefill, { maxNewTokens: 6, stopTokenIds: [] });
  expect(tokens).toHaveLength(6);
  await expect(ours.generate(prefill, { maxNewTokens: 7 })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/ends by token 256.*up to token 257/),
    hint: expect.stringContaining('maxNewTokens: 7'),
  });
});

test('other models have one table', async () => {
  expect((await open({ model: await tinyModel() })).tableSwitch).toBeNull();
});
