import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadItems } from '../../src/eval/infinitebench/load-items.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

function folderOf(task: string, ...lines: unknown[]): string {
  const folder = temporaryFolder();
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  writeFileSync(join(folder, `${task}.jsonl`), text);
  return folder;
}

const context = 'Long text.';

it.each([
  [
    'longbook_qa_eng',
    { id: 0, context, input: 'Who?', answer: ['Ann', 'Anna'], options: [] },
    { slots: { question: 'Who?' }, references: ['Ann', 'Anna'] },
  ],
  [
    'longbook_choice_eng',
    { context, input: 'Who?', answer: ['Eve'], options: ['Ann', 'Bob', 'Eve', 'Tom'] },
    { slots: { question: 'Who?', a: 'Ann', b: 'Bob', c: 'Eve', d: 'Tom' }, references: ['Eve', 'C'] },
  ],
  [
    'code_debug',
    { context, input: '?', answer: ['a.b', 'B'], options: ['x', 'a.b', 'y', 'z'] },
    { slots: { question: '?', a: 'x', b: 'a.b', c: 'y', d: 'z' }, references: ['a.b', 'B'] },
  ],
  [
    'code_run',
    { context, input: 'Please give me the exact number of the return value of func_72(-17).', answer: [-58] },
    { slots: { function: 'func_72', call: 'func_72(-17)' }, references: ['-58'] },
  ],
  ['math_calc', { context, input: '', answer: [1, 4, 8] }, { slots: { question: '' }, references: ['1', '4', '8'] }],
])('%s: reads what is asked and what is right', async (task, line, expected) => {
  const items = await loadItems(folderOf(task, line), [task], { samples: 5 });
  expect(items).toEqual({ [task]: [{ context, ...expected }] });
});

it('reads no more than is asked for', async () => {
  const line = { context, input: 'Who?', answer: 'Ann' };
  const folder = folderOf('longbook_qa_eng', line, line, 'broken');
  expect((await loadItems(folder, ['longbook_qa_eng'], { samples: 2 })).longbook_qa_eng).toHaveLength(2);
});

it('names the line that is broken, or leaves it out and tells', async () => {
  const good = { context, input: 'Who?', answer: 'Ann' };
  const folder = folderOf('longbook_qa_eng', good, '{"context": 3', { context, input: 'Who?' }, good);
  await expect(loadItems(folder, ['longbook_qa_eng'], { samples: 9 })).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringMatching(/longbook_qa_eng\.jsonl, line 2: expected JSON/),
  });
  const skipped: string[] = [];
  const options = { samples: 9, skipBad: true, onSkip: (problem: string) => skipped.push(problem) };
  expect((await loadItems(folder, ['longbook_qa_eng'], options)).longbook_qa_eng).toHaveLength(2);
  expect(skipped).toEqual([expect.stringContaining('line 2'), expect.stringMatching(/line 3: answer/)]);
});

it('names the option that is missing, and the file', async () => {
  const line = { context, input: 'Who?', answer: ['Zoe'], options: ['Ann', 'Bob', 'Eve', 'Tom'] };
  await expect(loadItems(folderOf('code_debug', line), ['code_debug'], { samples: 1 })).rejects.toMatchObject({
    message: expect.stringMatching(/line 1: expected four options and the right one among them, found Zoe/),
  });
  await expect(loadItems(temporaryFolder(), ['code_run'], { samples: 1 })).rejects.toMatchObject({
    code: 'READ_FAILED',
    message: expect.stringContaining('code_run.jsonl'),
  });
});
