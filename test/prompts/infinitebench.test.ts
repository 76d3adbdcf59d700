import { describe, expect, it } from 'vitest';
import { INFINITEBENCH_TASKS } from '../../src/eval/infinitebench/tasks.js';
import { createEssays } from '../../src/prompts/essays.js';
import type { BenchmarkItem, PromptSources } from '../../src/prompts/prompt.js';
import { createRandom } from '../../src/utils/prng.js';

function builder(name: string, { sample = 0, items = {} as Record<string, BenchmarkItem[]>, seed = 0 } = {}) {
  const random = (label: string) => createRandom(seed, name, sample, label);
  const sources: PromptSources = {
    essays: createEssays(['One. Two.']),
    adjectives: [],
    nouns: [],
    verbs: [],
    questions: {},
    items,
    countTokens: (text) => text.length,
  };
  const { generator, maxNewTokens } = INFINITEBENCH_TASKS.find((task) => task.name === name)!;
  return generator(sources, { depth: null, length: 4096, maxNewTokens, sample, era: '2025', random, task: random });
}

it('has the twelve tasks with their answer lengths', () => {
  expect(Object.fromEntries(INFINITEBENCH_TASKS.map(({ name, maxNewTokens }) => [name, maxNewTokens]))).toEqual({
    passkey: 6,
    number_string: 12,
    kv_retrieval: 50,
    math_find: 3,
    longbook_sum_eng: 1200,
    longbook_qa_eng: 40,
    longbook_choice_eng: 40,
    longdialogue_qa_eng: 40,
    longbook_qa_chn: 40,
    code_debug: 5,
    code_run: 5,
    math_calc: 30_000,
  });
});

it('number_string: ten digits of which some repeat their neighbour, told twice in one line', () => {
  const { user, references } = builder('number_string').build(20);
  expect(references[0]).toMatch(/^\d{10}$/);
  expect(references[0]).toMatch(/(\d)\1/);
  expect(user).toContain(
    `The sequence of digits is ${references[0]}. Remember it. ${references[0]} is the sequence of digits.`,
  );
});

describe('math_find', () => {
  it.each([
    [0, 'largest number', (list: number[]) => Math.max(...list)],
    [1, 'second largest number', (list: number[]) => [...new Set(list)].sort((a, b) => b - a)[1]],
    [5, 'third smallest number', (list: number[]) => [...new Set(list)].sort((a, b) => a - b)[2]],
    [6, 'median', (list: number[]) => [...list].sort((a, b) => a - b)[100]],
  ] as const)('sample %d asks for the %s', (sample, name, right) => {
    const { user, references } = builder('math_find', { sample }).build(201);
    const list = JSON.parse(/\[[\d, ]+\]/.exec(user)![0]) as number[];
    expect(list).toHaveLength(201);
    expect(list.every((number) => number >= 0 && number <= 99)).toBe(true);
    expect(references).toEqual([String(right(list))]);
    expect(user).toMatch(new RegExp(`^What is the ${name} in the following list\\?`));
    expect(user).toMatch(new RegExp(`The ${name} of the list is: $`));
  });

  it('takes the mean of the middle two of an even number of numbers', () => {
    const { user, references } = builder('math_find', { sample: 6, seed: 3 }).build(200);
    const list = (JSON.parse(/\[[\d, ]+\]/.exec(user)![0]) as number[]).sort((a, b) => a - b);
    expect(Number(references[0])).toBe((list[99]! + list[100]!) / 2);
  });
});

describe('a text that is too long', () => {
  const items = {
    longbook_qa_eng: [{ context: '0123456789', slots: { question: 'Who?' }, references: ['Ann', 'Anna'] }],
  };

  it('is whole where there is room, and else loses its middle, never the question', () => {
    const { build, maxUnits } = builder('longbook_qa_eng', { items });
    expect(maxUnits).toBe(10);
    expect(build(10).user).toContain('\n\n0123456789\n\nQuestion: Who?');
    expect(build(5).user).toContain('\n\n01289\n\nQuestion: Who?');
    expect(build(1).user).toContain('\n\n0\n\nQuestion: Who?');
    expect(build(5)).toMatchObject({ answerPrefix: 'Answer:', references: ['Ann', 'Anna'] });
  });

  it('is not cut within a character', () => {
    const context = '😀😀😀😀';
    const { build } = builder('longbook_qa_eng', {
      items: { longbook_qa_eng: [{ ...items.longbook_qa_eng[0]!, context }] },
    });
    for (let units = 1; units <= 8; units++) {
      const kept = /\n\n(.*)\n\nQuestion/.exec(build(units).user)![1]!;
      expect(kept).toBe('😀'.repeat([...kept].length));
    }
  });
});
