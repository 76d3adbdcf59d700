import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CostKey, costFilePath, keepCosts, keptCosts } from '../../../src/runtime/costs/cost-file.js';
import { costKey, resolveCosts } from '../../../src/runtime/costs/resolve-costs.js';
import { defaultCosts } from '../../../src/runtime/native.js';
import { silentProgress } from '../../../src/utils/progress.js';
import { temporaryFolder } from '../../utils/temporary-folder.js';

const place = { device: 'cpu', deviceId: 0, threads: 2 } as const;
const gpu: CostKey = { device: 'cuda', name: 'NVIDIA H200', driver: '580.159.04' };

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('MINFERENCE_COSTS', '');
});
afterEach(() => vi.unstubAllEnvs());

/** Costs, and what was told about them. */
async function resolve(options: Parameters<typeof resolveCosts>[0] = place) {
  const notes: string[] = [];
  const note = (line: string) => void notes.push(line);
  const costs = await resolveCosts(options, { progress: { ...silentProgress, note, warn: note } });
  return { costs, notes };
}

describe('costs of a device', () => {
  test('are measured at its first use and kept, for the processor, its instructions and the threads', async () => {
    const first = await resolve();
    expect(first.notes.join()).toMatch(/timed attention on this processor: sparse from [\d,]+ tokens on/);
    expect(first.costs.sparse_tile).toBeGreaterThanOrEqual(1);
    expect(first.costs.least_context).toBeGreaterThan(0);

    const path = costFilePath(costKey(place));
    expect(await readdir(dirname(path))).toHaveLength(1);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      schema: 'minference.costs/1',
      key: { device: 'cpu', instructions: expect.stringMatching(/avx512|avx2|generic/), threads: 2 },
      costs: first.costs,
    });
    expect(await resolve()).toEqual({ costs: first.costs, notes: [] });
    expect(costFilePath(costKey({ ...place, threads: 1 }))).not.toBe(path);
  });

  test('are measured once by those who ask at the same time', async () => {
    const all = await Promise.all([resolve(), resolve(), resolve()]);
    expect(all.filter(({ notes }) => notes.length > 0)).toHaveLength(1);
    for (const { costs } of all) expect(costs).toEqual(all[0]!.costs);
    expect(await readdir(join(folder, 'minference'))).toHaveLength(1);
  });

  test('are the defaults where nothing can be kept: it would be measured each time', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    vi.stubEnv('XDG_CACHE_HOME', file);
    expect(await resolve()).toEqual({ costs: defaultCosts('cpu'), notes: [] });
  });

  test('are the defaults, or those of a file, where MINFERENCE_COSTS says so', async () => {
    vi.stubEnv('MINFERENCE_COSTS', 'default');
    expect(await resolve()).toEqual({ costs: defaultCosts('cpu'), notes: [] });
    const costs = { ...defaultCosts('cpu'), least_context: 4321 };
    await mkdir(join(folder, 'minference'));
    await keepCosts(gpu, costs);
    vi.stubEnv('MINFERENCE_COSTS', costFilePath(gpu));
    expect(await resolve()).toEqual({ costs, notes: [] });
    expect(await readdir(join(folder, 'minference'))).toHaveLength(1);
    vi.stubEnv('MINFERENCE_COSTS', join(folder, 'nothing.json'));
    await expect(resolve()).rejects.toThrow(/expected a file of measured costs at .*nothing\.json/);
  });
});

describe('what is kept', () => {
  const costs = defaultCosts('cuda');
  beforeEach(() => mkdir(join(folder, 'minference')));

  test('is named after the device and its driver', async () => {
    expect(costFilePath(gpu)).toBe(join(folder, 'minference', 'costs-cuda-NVIDIA-H200-580.159.04.json'));
    await keepCosts(gpu, costs);
    expect(await keptCosts(gpu)).toMatchObject({ key: gpu, costs });
    expect(await keptCosts({ ...gpu, driver: '590.1' })).toBeNull();
  });

  test.each([
    ['another version', (text: string) => text.replace('costs/1', 'costs/2')],
    ['half a file', (text: string) => text.slice(0, 100)],
    ['a missing field', (text: string) => text.replace(/ *"per_head".*\n/, '')],
    ['a negative number', (text: string) => text.replace('"index_flop": ', '"index_flop": -')],
    ['another device of a like name', (text: string) => text.replace('NVIDIA H200', 'NVIDIA-H200')],
  ])('%s counts as nothing', async (_, damage) => {
    await keepCosts(gpu, costs);
    const path = costFilePath(gpu);
    const text = await readFile(path, 'utf8');
    expect(damage(text)).not.toBe(text);
    await writeFile(path, damage(text));
    await chmod(path, 0o600);
    expect(await keptCosts(gpu)).toBeNull();
  });
});
