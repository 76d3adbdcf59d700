import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { resolveSpec } from '../../models/builder/spec.js';
import { randomWeights } from '../../models/builder/weights.js';
import { writeModelDirectory } from '../../models/builder/write-model-directory.js';
import { runSearch } from '../../search/run-search.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { ensureBuilt } from '../cli/helpers/build.js';
import { runCli } from '../cli/helpers/run-cli.js';
import { someTokens } from '../prefill/helpers.js';

const SPEC = { numLayers: 2, numHeads: 4, numKvHeads: 2, maxPositions: 2048, seed: 1, packedQkv: false };

/** A model whose last layer computes NaN for the keys of its first KV head, as an overflow would. */
async function overflowing(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minference-overflow-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const random = randomWeights(resolveSpec(SPEC), SPEC.seed);
  const weights: typeof random = {
    get(name) {
      const data = random.get(name);
      if (name === 'model.layers.1.self_attn.k_proj.weight') data[0] = Number.NaN;
      return data;
    },
  };
  await writeModelDirectory(folder, { ...SPEC, weights });
  return folder;
}

beforeAll(ensureBuilt);

it('a search names the layer and its heads, leaves them dense, and writes the rest', async () => {
  const { patterns, anomalies } = await runSearch({
    model: await overflowing(),
    length: 1024,
    budget: '40%',
    device: 'cpu',
  });
  expect(anomalies).toEqual([{ layer: 1, heads: [0, 1] }]);
  expect(patterns.search!.anomalies).toEqual(anomalies);
  expect(patterns.layers.map(({ heads }) => heads.map(({ type }) => type === 'dense'))).toEqual([
    [false, false, false, false],
    [true, true, false, false],
  ]);
});

it('the command writes the file and fails as partial, also under --json', async () => {
  const model = await overflowing();
  const out = join(model, 'patterns.json');
  const args = ['search', '--model', model, '--length', '1k', '--budget', '40%', '--out', out, '--device', 'cpu'];
  const { exitCode, stderr, stdout } = await runCli([...args, '--json']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/error: expected finite activations, found NaN or infinity in layer 1 \(2 heads\)/);
  expect(JSON.parse(stdout)).toMatchObject({ out, anomalies: [{ layer: 1, heads: [0, 1] }] });
  expect(JSON.parse(readFileSync(out, 'utf8')).layers).toHaveLength(2);
});

it('a prefill ends with an error and prints no token', async () => {
  const model = await overflowing();
  using decoder = await Decoder.open({ model, device: 'cpu' });
  await expect(decoder.prefill(someTokens(200), { patterns: 'dense' })).rejects.toMatchObject({
    code: 'RUNTIME_FAILED',
    message: expect.stringMatching(/expected finite logits at the last position, found NaN/),
  });
  const { exitCode, stdout, stderr } = await runCli([
    'prefill',
    '--model',
    model,
    '--prompt',
    'hello',
    '--device',
    'cpu',
  ]);
  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/error: expected finite logits/);
});
