import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startOpTimes } from '../../src/prefill/op-times.js';
import { watchLayers } from '../../src/prefill/watch-layers.js';

test('a run reports the layers it has finished', async () => {
  const counts: number[] = [];
  const value = await watchLayers({ layers: 3, onLayers: (finished) => counts.push(finished) }, async () => {
    await setTimeout(700);
    return 'done';
  });
  expect(value).toBe('done');
  expect(counts.length).toBeGreaterThan(0);
  expect(new Set(counts)).toEqual(new Set([0]));
  const after = counts.length;
  await setTimeout(300);
  expect(counts).toHaveLength(after);
});

test('without a run of the attention ops the clock stands still', async () => {
  const read = await startOpTimes();
  expect(await read()).toEqual({ indexMs: 0, attentionMs: 0 });
});
