import { mkdtempSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Decoder } from '../../src/prefill/decoder.js';
import { klDivergence } from '../../src/prefill/logits.js';
import { writeEmbeddedModel } from './helpers/half-model.js';

test('x', async () => {
  const folder = mkdtempSync('/tmp/halfmodel-');
  await writeEmbeddedModel(folder, 'fp32');
  const tokens = Array.from({ length: 600 }, (_, i) => ((i * 7919) % 8000) + 10);
  using a = await Decoder.open({ device: 'cpu', graph: 'original' });
  using b = await Decoder.open({ device: 'cpu', graph: 'original', model: folder });
  const l = async (d: Decoder) => {
    const r = await d.prefill(tokens, { patterns: 'dense' });
    r.cache.dispose();
    return r.logits;
  };
  console.log('KL fp32', klDivergence(await l(a), await l(b)));
  const half = mkdtempSync('/tmp/halfmodel-');
  await writeEmbeddedModel(half, 'fp16');
  for (const graph of ['original', 'prefill'] as const)
    try {
      using c = await Decoder.open({ device: 'cpu', graph, model: half });
      console.log(graph, 'KL fp16', klDivergence(await l(a), await l(c)));
    } catch (e) {
      console.log(graph, (e as Error).message);
    }
  expect(1).toBe(1);
}, 300000);
