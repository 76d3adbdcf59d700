import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointPath, openCheckpoint } from '../../search/checkpoint.js';
import type { SampleScores } from '../../search/scores.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minference-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

const scores = (value: number): SampleScores => [
  [
    [
      {
        errorAll: value,
        errorLast: 0.1,
        massRecall: 0.9,
        flops: 1e9,
        pattern: { type: 'vertical_slash', vertical: 30, slash: 112 },
      },
    ],
    [],
  ],
];

describe('checkpoint', () => {
  it('gives back exactly what was saved, under the same key only', async () => {
    const out = join(folder, 'a.json');
    const first = await openCheckpoint({ path: checkpointPath(out), key: 'k', resume: true });
    expect(first.finished.size).toBe(0);
    expect(first.ignored).toBeUndefined();
    await first.save(1, scores(Math.fround(0.1)));
    await first.save(0, scores(1 / 3));
    await first.save(2, scores(Number.NaN));

    const again = await openCheckpoint({ path: checkpointPath(out), key: 'k', resume: true });
    expect([...again.finished]).toEqual([
      [0, scores(1 / 3)],
      [1, scores(Math.fround(0.1))],
      [2, scores(Number.NaN)],
    ]);
    const other = await openCheckpoint({ path: checkpointPath(out), key: 'other', resume: true });
    expect(other.finished.size).toBe(0);
    expect(other.ignored).toMatch(/other options/);
    const fresh = await openCheckpoint({ path: checkpointPath(out), key: 'k', resume: false });
    expect(fresh.finished.size).toBe(0);
  });

  it.each([
    ['empty', ''],
    ['half', '{"schema":"minference.search-checkpoint/2","key":"k","samp'],
    ['foreign', '{"schema":"something else"}'],
    ['negative', '{"schema":"minference.search-checkpoint/2","key":"k","samples":[{"index":-1,"scores":[]}]}'],
    ['binary', '\u0000\u0001'],
  ])('leaves a %s file aside and says so', async (name, text) => {
    const out = join(folder, `${name}.json`);
    await writeFile(checkpointPath(out), text);
    const checkpoint = await openCheckpoint({ path: checkpointPath(out), key: 'k', resume: true });
    expect(checkpoint.finished.size).toBe(0);
    expect(checkpoint.ignored).toContain(checkpointPath(out));
    await checkpoint.save(0, scores(1));
    expect(JSON.parse(await readFile(checkpointPath(out), 'utf8')).key).toBe('k');
  });

  it('goes away at the end, and keeps nothing without an output', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const checkpoint = await openCheckpoint({ path: join(own, 'x.json.resume.json'), key: 'k', resume: true });
    await checkpoint.save(0, scores(1));
    expect(await readdir(own)).toEqual(['x.json.resume.json']);
    await checkpoint.remove();
    expect(await readdir(own)).toEqual([]);
    await checkpoint.remove();
    const none = await openCheckpoint({ path: undefined, key: 'k', resume: true });
    await none.save(0, scores(1));
    await none.remove();
  });
});
