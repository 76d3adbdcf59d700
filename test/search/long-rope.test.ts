import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeModelDirectory } from '../../models/builder/write-model-directory.js';
import { runSearch } from '../../search/run-search.js';

it.each([
  [1024, 'long'],
  [512, 'short'],
] as const)('a search at %d tokens says which tables of angles its prompts saw', async (length, angles) => {
  const folder = mkdtempSync(join(tmpdir(), 'minference-long-rope-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await writeModelDirectory(folder, { maxPositions: 2048, longRope: { switch: 512, factor: 4 } });
  const { patterns } = await runSearch({ model: folder, length, budget: '60%', device: 'cpu' });
  expect(patterns.search!.angles).toBe(angles);
});
