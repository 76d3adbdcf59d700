import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseShard } from '../../src/eval/harness/shard.js';
import { mergeResults } from '../../src/eval/merge-results.js';
import { rulerSuite } from '../../src/eval/ruler/suite.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';
import { runSuite } from './helpers/run-suite.js';

const plan = {
  lengths: [1024, 2048],
  samples: 3,
  tasks: 'single_1,single_2,multikey_2',
  methods: 'dense,a_shape:64,256',
};
const run = (options: object, fake = fakeDecoder()) => runSuite(rulerSuite, { ...plan, ...options }, fake);
const untimed = ({ finished: _, ...results }: Awaited<ReturnType<typeof mergeResults>>['results']) => results;

describe('shards', () => {
  it('answer everything once between them, and merge to the results of one run', async () => {
    const whole = await run({});
    const shared = temporaryFolder();
    const own = temporaryFolder();
    const calls: number[] = [];
    for (const [shard, out] of [
      ['1/3', shared],
      ['2/3', shared],
      ['3/3', own],
    ] as const) {
      const fake = fakeDecoder();
      const { files } = await run({ shard, out }, fake);
      expect(files).toEqual([join(out, `predictions.${shard[0]}-of-3.jsonl`)]);
      calls.push(fake.calls.length);
    }
    expect(calls).toEqual([12, 12, 12]);
    const out = join(temporaryFolder(), 'merged');
    const merged = await mergeResults({ folders: [shared, own], out });
    expect(merged.parts).toHaveLength(3);
    expect(untimed(merged.results)).toEqual(untimed(whole.results));
    expect(merged.prompts).toEqual(whole.prompts);
    expect(readdirSync(out).sort()).toEqual(['curves.png', 'curves.svg', 'predictions.jsonl', 'results.json']);
  });

  it('may start at the same moment in a folder that is not there yet', async () => {
    const out = join(temporaryFolder(), 'new');
    await Promise.all(['1/4', '2/4', '3/4', '4/4'].map((shard) => run({ shard, out })));
    expect((await mergeResults({ folders: [out] })).parts).toHaveLength(4);
  });

  it('are alike: every shard has all lengths and tasks', async () => {
    const { prompts } = await run({ shard: '2/3' });
    const count = (values: unknown[]) => new Set(values).size;
    const answered = prompts.filter(({ answers }) => answers.length > 0);
    expect(count(answered.map(({ length }) => length))).toBe(2);
    expect(count(answered.map(({ task }) => task))).toBe(3);
  });

  it('may be cut anew: what is there is not done again', async () => {
    const out = temporaryFolder();
    await run({ shard: '1/3', out });
    const fake = fakeDecoder();
    await run({ shard: '1/2', out }, fake);
    await run({ shard: '2/2', out }, fake);
    expect(fake.calls).toHaveLength(36 - 12);
  });

  it('that are missing are named', async () => {
    const out = temporaryFolder();
    await run({ shard: '1/3', out });
    await run({ shard: '3/3', out });
    await expect(mergeResults({ folders: [out] })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('expected 36 answers, found 24'),
      hint: expect.stringContaining('shard 2/3'),
    });
  });

  it('of another evaluation are refused with what differs', async () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    await run({ shard: '1/2', out: first });
    await run({ shard: '2/2', out: second, samples: 4 });
    await expect(mergeResults({ folders: [first, second] })).rejects.toThrow(/found another samples: 4 instead of 3/);
    rmSync(second, { recursive: true });
    await expect(mergeResults({ folders: [first, second] })).rejects.toMatchObject({ code: 'READ_FAILED' });
  });

  it('that contradict each other are refused', async () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    await run({ out: first });
    await run({ out: second }, fakeDecoder({ answer: () => 'something else' }));
    await expect(mergeResults({ folders: [first, second] })).rejects.toThrow(/answer the same prompt differently/);
  });
});

describe('parseShard', () => {
  it('reads i/n', () => expect(parseShard(' 2/8 ')).toEqual({ index: 2, count: 8 }));
  it.each(['0/2', '3/2', '1', '1/0', '-1/2', 'a/b', '1/10001', ''])('refuses %j', (text) => {
    expect(() => parseShard(text)).toThrow(/expected a shard from 1\/n to n\/n/);
  });
});
