import { expect, test } from 'vitest';
import { startOpTimes } from '../../src/prefill/op-times.js';

test('without a run of the attention ops the clock stands still', async () => {
  const read = await startOpTimes();
  expect(await read()).toEqual({ indexMs: 0, attentionMs: 0 });
});
