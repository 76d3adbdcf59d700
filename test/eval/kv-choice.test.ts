import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { renderResults } from '../../src/cli/commands/eval/render.js';
import { evaluateNiah } from '../../src/eval/evaluate.js';
import { formatKv, parseKv } from '../../src/eval/harness/kv-choice.js';
import { readResults } from '../../src/eval/harness/read-results.js';
import { niahSuite } from '../../src/eval/niah/suite.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';
import { runSuite } from './helpers/run-suite.js';

const quick = { lengths: [1024], depths: [50], samples: 1, tasks: 'single_1', methods: 'dense,a_shape:64,256' };

describe('parseKv', () => {
  it.each([
    ['snapkv', 4096],
    [' snapkv:2k ', 2048],
    ['snapkv:65', 65],
  ])('reads %j', (text, capacity) => {
    const choice = parseKv(text);
    expect(choice).toEqual({ method: 'snapkv', capacity });
    expect(parseKv(formatKv(choice))).toEqual(choice);
  });

  it.each([
    ['', 'expected snapkv'],
    ['snapkv:', 'expected snapkv'],
    ['snapkv2k', 'expected snapkv'],
    ['quest:2k', 'expected snapkv'],
    ['snapkv:64', 'a number of tokens that are kept from 65'],
    ['snapkv:1.5', 'expected a number of tokens'],
    ['snapkv:1000m', 'a number of tokens that are kept from 65'],
  ])('refuses %j', (text, part) => {
    expect(() => parseKv(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(part) }),
    );
  });
});

describe('--kv of an evaluation', () => {
  it('prefills every method with it, and results and their key hold it', async () => {
    const fake = fakeDecoder();
    const prefill = vi.spyOn(fake.decoder, 'prefill');
    const out = join(temporaryFolder(), 'results');
    const { results } = await runSuite(niahSuite, { ...quick, kv: 'snapkv:512', out }, fake);
    const answers = prefill.mock.calls.filter(([, { maxNewTokens }]) => maxNewTokens !== 0);
    expect(answers.map(([, { snapKv }]) => snapKv)).toEqual([512, 512]);
    expect((await readResults(out)).options.kv).toEqual({ method: 'snapkv', capacity: 512 });
    expect(renderResults(results, [])).toMatch(/decoding +over what snapkv:512 keeps of the prompt/);
    const { results: whole } = await runSuite(niahSuite, quick);
    expect(whole.options).not.toHaveProperty('kv');
    expect(renderResults(whole, [])).not.toContain('snapkv');
    expect(whole.key).not.toBe(results.key);
    const again = (kv?: string) => runSuite(niahSuite, { ...quick, out, ...(kv && { kv }) });
    expect((await again('snapkv:512')).answers).toMatchObject({ total: 2, resumed: 2 });
    await expect(again()).rejects.toThrow(/kv snapkv:512, now all/);
    await expect(again('snapkv:513')).rejects.toThrow(/kv snapkv:512, now snapkv:513/);
  });

  it('is checked before a model is loaded', async () => {
    const options = { ...quick, model: '/nonexistent', kv: 'pyramid' };
    await expect(evaluateNiah(options)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'expected snapkv or snapkv:<tokens>, found "pyramid"',
    });
  });
});

it('the embedded model answers as without when all of the prompt fits, and from the needle’s keys when few do', async () => {
  const asked = async (kv?: string) => {
    const { prompts, results } = await evaluateNiah({
      ...{ lengths: [1024], depths: [30], samples: 2, tasks: 'single_2', device: 'cpu' },
      methods: 'dense,vertical_slash:300,600',
      ...(kv && { kv }),
    });
    const predictions = prompts.map(({ answers }) => answers.map(({ prediction }) => prediction));
    return { predictions, scores: results.aggregates.map(({ score }) => score) };
  };
  const whole = await asked();
  expect((await asked('snapkv:1k')).predictions).toEqual(whole.predictions);
  expect((await asked('snapkv:256')).scores).toEqual(whole.scores);
}, 300_000);
