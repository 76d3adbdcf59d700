import { beforeAll, expect, it } from 'vitest';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';
import { writeTinyModel } from './helpers/tiny-models.js';

const folder = sharedFolder();
let model: string;

beforeAll(async () => {
  await ensureBuilt();
  model = await writeTinyModel(folder, 'long-rope', { maxPositions: 1024, longRope: { switch: 256, factor: 4 } });
});

it.each([
  ['may cross the switch', 'a'.repeat(200), 100, true],
  ['ends before it', 'a'.repeat(200), 8, false],
  ['follows a prompt beyond it', 'a'.repeat(300), 100, false],
])('an answer that %s', async (_, prompt, maxNewTokens, isTold) => {
  const result = await runCli(['prefill', '--model', model, '--max-new-tokens', String(maxNewTokens)], {
    input: prompt,
  });
  expect(result.exitCode).toBe(0);
  expect(result.stderr.includes('beyond token 256, where this model changes its angles')).toBe(isTold);
});
