import { expect, test } from 'vitest';
import { Decoder } from '../../src/prefill/decoder.js';
import { someTokens, tinyModel } from './helpers.js';

// In a file of its own: no session of this process has loaded the op library.
test('the original graph prefills with progress where no op library is loaded', async () => {
  using decoder = await Decoder.open({ model: await tinyModel(), device: 'cpu', graph: 'original' });
  const { cache, timings } = await decoder.prefill(someTokens(200), { patterns: 'dense', onProgress: () => undefined });
  using _ = cache;
  expect(timings.attentionMs).toBeNull();
});
