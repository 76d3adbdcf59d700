import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Decoder } from '../../src/prefill/decoder.js';
import { someTokens, tinyModel } from './helpers.js';

/** A model whose configuration promises more positions than its caches of angles have. */
async function promising(rotaryCaches: 'stored' | 'computed'): Promise<Decoder> {
  const model = await tinyModel({ rotaryCaches, maxPositions: 256 });
  const path = join(model, 'genai_config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  config.model.context_length = 4096;
  writeFileSync(path, JSON.stringify(config));
  const decoder = await Decoder.open({ model, device: 'cpu' });
  onTestFinished(() => decoder.dispose());
  return decoder;
}

test.each(['stored', 'computed'] as const)(
  'an answer ends with the caches of angles, %s ones, and says so',
  async (rotaryCaches) => {
    const decoder = await promising(rotaryCaches);
    expect(decoder.directory.config.contextLength).toBe(256);
    const filled = await decoder.prefill(someTokens(250), { patterns: 'dense' });
    using _ = filled.cache;
    const answer = await decoder.generate(filled, { maxNewTokens: 30, stopTokenIds: [] });
    expect(answer).toMatchObject({ stopped: 'context', failure: null });
    expect(answer.tokens).toHaveLength(7);
    await expect(decoder.prefill(someTokens(257), { patterns: 'dense' })).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
    });
  },
);

test('what was answered before a step failed is kept', async () => {
  const decoder = await Decoder.open({ model: await tinyModel(), device: 'cpu' });
  onTestFinished(() => decoder.dispose());
  const filled = await decoder.prefill(someTokens(100), { patterns: 'dense' });
  using _ = filled.cache;
  const options = { maxNewTokens: 8, stopTokenIds: [] };
  const whole = await decoder.generate(filled, options);
  let steps = 0;
  const { run } = decoder.session;
  vi.spyOn(decoder.session, 'run').mockImplementation((feeds, ...rest) => {
    steps++;
    // A run that ONNX Runtime refuses: an input is missing.
    const { input_ids: _ids, ...others } = feeds;
    return run.call(decoder.session, steps > 3 ? others : feeds, ...rest);
  });
  const cut = await decoder.generate(filled, options);
  expect(cut).toMatchObject({ stopped: 'failure', failure: { code: 'RUNTIME_FAILED' } });
  expect(cut.tokens).toEqual(whole.tokens.slice(0, 4));
});
