import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadQuestions } from '../../src/datasets/load-questions.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

function fileOf(value: unknown): string {
  const path = join(temporaryFolder(), 'own.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

describe('the bundled questions', () => {
  it.each(['qa_1', 'qa_2'] as const)('%s: every answer stands in its document, every question once', async (name) => {
    const { documents, questions } = (await loadQuestions(name)).set;
    expect(questions.length).toBeGreaterThan(400);
    for (const { answers, documents: own } of questions) {
      expect(own).toHaveLength(1);
      for (const answer of answers) expect(documents[own[0]!]).toContain(answer);
    }
    expect(new Set(questions.map(({ question }) => question)).size).toBe(questions.length);
  });
});

it('reads SQuAD: answerable questions, distinct paragraphs in order, the article’s other paragraphs as related', async () => {
  const ask = (question: string, text: string) => ({ question, is_impossible: false, answers: [{ text }, { text }] });
  const path = fileOf({
    version: 'v2.0',
    data: [
      {
        title: 'Bees',
        paragraphs: [
          {
            context: 'b: hives',
            qas: [ask('Where?', 'hives'), { question: 'Why?', is_impossible: true, answers: [] }],
          },
          { context: 'a: honey', qas: [ask('What?', 'honey')] },
        ],
      },
      { title: 'Ants', paragraphs: [{ context: 'c: hills', qas: [ask('Where else?', 'hills')] }] },
    ],
  });
  const { name, sha256, set } = await loadQuestions('qa_1', path);
  expect(name).toBe('own.json');
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(set).toEqual({
    documents: ['a: honey', 'b: hives', 'c: hills'],
    questions: [
      { question: 'Where?', answers: ['hives', 'hives'], documents: [1], related: [0] },
      { question: 'What?', answers: ['honey', 'honey'], documents: [0], related: [1] },
      { question: 'Where else?', answers: ['hills', 'hills'], documents: [2], related: [] },
    ],
  });
});

it('reads HotpotQA: all paragraphs of a question, sentences joined without spaces', async () => {
  const path = fileOf([
    {
      question: 'Same?',
      answer: 'yes',
      context: [
        ['Bee', ['It flies.', ' It stings.']],
        ['Ant', ['It walks.']],
      ],
    },
  ]);
  const { set } = await loadQuestions('qa_2', path);
  expect(set.documents).toEqual(['Ant\nIt walks.', 'Bee\nIt flies. It stings.']);
  expect(set.questions).toEqual([{ question: 'Same?', answers: ['yes'], documents: [1, 0], related: [] }]);
});

it.each([
  ['something else', { data: 3 }],
  ['no questions', { data: [] }],
  ['no JSON', '{"data": ['],
])('refuses %s', async (_what, value) => {
  await expect(loadQuestions('qa_1', fileOf(value))).rejects.toMatchObject({ code: 'DATASET_INVALID' });
});
