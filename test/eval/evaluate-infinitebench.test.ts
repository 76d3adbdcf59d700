import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { infiniteBenchSuite } from '../../src/eval/infinitebench/suite.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { fakeDecoder } from './helpers/fake-decoder.js';
import { runSuite } from './helpers/run-suite.js';

const quick = { lengths: [2048], samples: 2, methods: 'dense' };

it('makes four tasks by itself', async () => {
  const { results, prompts } = await runSuite(infiniteBenchSuite, quick);
  expect(results.options.tasks.map(({ name }) => name)).toEqual([
    'passkey',
    'number_string',
    'kv_retrieval',
    'math_find',
  ]);
  expect(prompts).toHaveLength(8);
  expect(results.effective_lengths).toEqual([]);
});

it('asks for the user’s copy, and cuts the middle of its texts', async () => {
  await expect(runSuite(infiniteBenchSuite, { ...quick, tasks: 'code_run' })).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('--data'),
  });
  const folder = temporaryFolder();
  const context = `START ${'all work and no play. '.repeat(3000)}END`;
  writeFileSync(
    join(folder, 'longbook_qa_eng.jsonl'),
    `${JSON.stringify({ id: 1, context, input: 'Who plays?', answer: ['nobody'] })}\n`,
  );
  const fake = fakeDecoder();
  const options = { ...quick, tasks: 'longbook_qa_eng', data: folder };
  const { results, prompts } = await runSuite(infiniteBenchSuite, options, fake);
  // One item, though two samples were asked for.
  expect(prompts).toHaveLength(1);
  expect(results.options.tasks[0]).toMatchObject({ name: 'longbook_qa_eng', count: 1, metric: 'word_f1' });
  const text = fake.decoder.tokenizer.decode(fake.calls[0]!.tokens);
  expect(text).toContain('START');
  expect(text).toContain('END');
  expect(text).toContain('Who plays?');
  expect(text.length).toBeLessThan(context.length / 2);
});
