import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rulerSuite } from '../../src/eval/ruler/suite.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';
import { runSuite } from './helpers/run-suite.js';

const quick = { lengths: [2048], samples: 2, methods: 'dense,a_shape:64,256' };

describe('eval ruler', () => {
  it('asks all thirteen tasks within the length and takes the mean over tasks', async () => {
    const fake = fakeDecoder();
    const { results, prompts } = await runSuite(rulerSuite, quick, fake);
    expect(results.rows.filter(({ method }) => method === 'dense').map(({ task }) => task)).toEqual([
      'niah_single_1',
      'niah_single_2',
      'niah_single_3',
      'niah_multikey_1',
      'niah_multikey_2',
      'niah_multikey_3',
      'niah_multivalue',
      'niah_multiquery',
      'vt',
      'cwe',
      'fwe',
      'qa_1',
      'qa_2',
    ]);
    const limits = new Map(results.options.tasks.map(({ name, max_new_tokens: limit }) => [name, limit]));
    for (const { task, prompt_tokens, depth } of prompts) {
      expect(depth).toBeNull();
      expect(prompt_tokens + limits.get(task)!).toBeLessThanOrEqual(2048);
      // Whole documents leave more room than words and lines do.
      expect(prompt_tokens).toBeGreaterThan(task.startsWith('qa') ? 1000 : 1700);
    }
    const dense = results.aggregates.find(({ method }) => method === 'dense')!;
    // The decoder answers needle questions only: eight of thirteen.
    expect(dense).toMatchObject({ tasks: 13, n: 26, score: expect.closeTo((100 * 8) / 13, 1) });
    expect(results.effective_lengths).toEqual([
      { method: 'dense', length: null },
      { method: 'a_shape:64,256', length: null },
    ]);
    const needles = await runSuite(rulerSuite, { ...quick, tasks: 'niah' });
    expect(needles.results.effective_lengths[0]).toEqual({ method: 'dense', length: 2048 });
  });

  it('puts the answer prefix behind the header of the assistant', async () => {
    const fake = fakeDecoder();
    await runSuite(rulerSuite, { ...quick, tasks: 'vt', samples: 1, methods: 'dense' }, fake);
    const text = fake.decoder.tokenizer.decode(fake.calls[0]!.tokens);
    const [, answer] = text.split('<|assistant|>\n');
    expect(answer).toMatch(/^\s*Answer: According to the chain/);
  });

  it('names the era, whose prompts differ', async () => {
    const made = async (era: '2024' | '2025') => {
      const { results, prompts } = await runSuite(rulerSuite, { ...quick, tasks: 'vt', methods: 'dense', era });
      expect(results.options.era).toBe(era);
      return prompts.map(({ prompt_sha256 }) => prompt_sha256);
    };
    const [old, now] = [await made('2024'), await made('2025')];
    expect(old).not.toEqual(now);
    expect(await made('2024')).toEqual(old);
  });

  it('reports the answers that yes or no would be, and those cut off by the limit, apart', async () => {
    const qa = join(temporaryFolder(), 'qa.json');
    const question = (index: number) => ({
      question: `Is fact ${index} true?`,
      answer: index % 2 === 0 ? 'yes' : `fact ${index}`,
      context: [[`Title ${index}`, [`Fact ${index} is a fact.`]]],
    });
    writeFileSync(qa, JSON.stringify(Array.from({ length: 20 }, (_, index) => question(index))));
    const options = { ...quick, tasks: 'qa_2', qa2: qa, samples: 8, methods: 'dense' };
    const fake = fakeDecoder({ answer: () => 'I know: yes', stopped: 'length' });
    const { results, prompts } = await runSuite(rulerSuite, options, fake);
    const yes = prompts.filter(({ references }) => references[0] === 'yes').length;
    expect(yes).toBeGreaterThan(0);
    expect(results.rows[0]).toMatchObject({
      n: 8,
      truncated: 8,
      score: expect.closeTo((100 * yes) / 8, 1),
      yes_no: { n: yes, score: 100 },
    });
  });

  it('refuses a length in which a task has no room, naming the least', async () => {
    const error = await runSuite(rulerSuite, { ...quick, lengths: [300], tasks: 'vt' }).catch((reason) => reason);
    expect(error.message).toMatch(/^expected lengths of at least (\d+) tokens for vt, found 300$/);
    const least = Number(/\d+/.exec(error.message)![0]);
    await runSuite(rulerSuite, { ...quick, lengths: [least], tasks: 'vt', samples: 1 });
    // Documents differ in size: all questions are looked at before the first one is asked.
    const fake = fakeDecoder();
    const qa = { ...quick, tasks: 'qa_2', samples: 40 };
    const most = await runSuite(rulerSuite, qa, fake).catch((reason) => reason);
    expect(most.message).toMatch(/^expected lengths of at least \d+ tokens for qa_2, found 2048$/);
    expect(fake.calls).toHaveLength(0);
    await runSuite(rulerSuite, { ...qa, lengths: [Number(/\d+/.exec(most.message)![0])] });
  });
});

describe('prompts that RULER’s own program made', () => {
  const line = (value: object) => `${JSON.stringify(value)}\n`;
  const needle = (key: string, value: string, prefix = true) => ({
    index: 0,
    input: `Some text. One of the special magic numbers for ${key} is: ${value}. What is it?${prefix ? '' : ' The special magic number for '}`,
    outputs: [value],
    length: 4000,
    ...(prefix && { answer_prefix: ` The special magic number for ${key} mentioned in the provided text is` }),
  });

  it('are asked unchanged, with their prefix as the beginning of the answer', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'niah_single_1'));
    const file = join(folder, 'niah_single_1', 'validation.jsonl');
    writeFileSync(file, line(needle('red', '123')) + line(needle('blue', '456')));
    writeFileSync(join(folder, 'notes.txt'), 'not a task');
    const fake = fakeDecoder();
    const options = { ...quick, lengths: [4096], samples: 10, data: folder };
    const { results, prompts } = await runSuite(rulerSuite, options, fake);
    expect(results.options.tasks).toMatchObject([{ name: 'niah_single_1', count: 2 }]);
    expect(results.data.niah_single_1!.name).toBe('niah_single_1/validation.jsonl');
    expect(prompts).toHaveLength(2);
    expect(results.aggregates[0]).toMatchObject({ method: 'dense', length: 4096, n: 2, score: 100 });
    const text = fake.decoder.tokenizer.decode(fake.calls[0]!.tokens);
    expect(text).toContain('<|user|>\nSome text. One of the special magic numbers for red is: 123. What is it?<|end|>');
    expect(text).toMatch(/<\|assistant\|>\n The special magic number for red mentioned in the provided text is$/);
  });

  it('end in an error with the line, or without it when asked to', async () => {
    const file = join(temporaryFolder(), 'niah_single_1.jsonl');
    writeFileSync(file, `${line(needle('red', '123'))}{"input": "no answer"}\n${line(needle('blue', '456'))}`);
    const options = { ...quick, lengths: [4096], data: file, methods: 'dense' };
    await expect(runSuite(rulerSuite, options)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/niah_single_1\.jsonl, line 2: .*outputs/),
    });
    const { prompts } = await runSuite(rulerSuite, { ...options, skipBad: true });
    expect(prompts).toHaveLength(2);
  });

  it.each([
    [{ lengths: [2048, 4096] }, 'expected one length beside data'],
    [{ era: '2024' as const }, 'expected no era beside data'],
  ])('go with %j: no', async (own, message) => {
    const options = { ...quick, data: '/nonexistent', ...own };
    await expect(runSuite(rulerSuite, options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
    });
  });

  it('that are not there: what was looked for', async () => {
    await expect(runSuite(rulerSuite, { ...quick, data: '/nonexistent' })).rejects.toMatchObject({
      code: 'READ_FAILED',
      hint: expect.stringContaining('validation.jsonl'),
    });
  });
});
