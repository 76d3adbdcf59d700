import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadHaystack } from '../../src/datasets/load-haystack.js';
import { loadQuestions } from '../../src/datasets/load-questions.js';
import { loadWords } from '../../src/datasets/load-words.js';
import { createPromptMaker } from '../../src/eval/harness/prompt-maker.js';
import { RULER_TASKS } from '../../src/eval/ruler/tasks.js';
import type { PromptRequest, PromptSources, RulerEra } from '../../src/prompts/prompt.js';
import { createRandom } from '../../src/utils/prng.js';
import { fakeTokenizer } from '../eval/helpers/fake-tokenizer.js';

const tokenizer = fakeTokenizer();
let sources: PromptSources;

beforeAll(async () => {
  const [qa_1, qa_2] = await Promise.all([loadQuestions('qa_1'), loadQuestions('qa_2')]);
  sources = {
    ...(await loadWords()),
    essays: (await loadHaystack()).essays,
    questions: { qa_1: qa_1.set, qa_2: qa_2.set },
    countTokens: (text) => tokenizer.encode(text, { addSpecialTokens: false }).length,
  };
});

const task = (name: string) => RULER_TASKS.find((candidate) => candidate.name === name)!;

function builder(name: string, { seed = 0, ...rest }: Partial<PromptRequest> & { seed?: number } = {}, from = sources) {
  const { maxNewTokens } = task(name);
  const defaults = { depth: null, length: 8192, maxNewTokens, sample: 0, era: '2025' } as const;
  const request = { ...defaults, ...rest };
  return task(name).generator(from, {
    random: (label) => createRandom(seed, name, request.sample, label),
    task: (label) => createRandom(seed, name, label),
    ...request,
  });
}

function make(name: string, place: { length: number; sample?: number; seed?: number; era?: RulerEra }) {
  const { seed = 0, era = '2025', sample = 0, length } = place;
  const maker = createPromptMaker({ tokenizer, sources, seed, suite: 'ruler', era });
  const { tokens, ...rest } = maker.make({ task: task(name), length, depth: null, sample });
  return { ...rest, tokens, text: tokenizer.decode(tokens) };
}

const countsOf = (words: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

it('has the thirteen tasks with their answer lengths and metrics', () => {
  expect(RULER_TASKS.map(({ name, maxNewTokens, metric }) => [name, maxNewTokens, metric])).toEqual([
    ...[1, 2, 3].map((n) => [`niah_single_${n}`, 128, 'string_match_all']),
    ...[1, 2, 3].map((n) => [`niah_multikey_${n}`, 128, 'string_match_all']),
    ['niah_multivalue', 128, 'string_match_all'],
    ['niah_multiquery', 128, 'string_match_all'],
    ['vt', 30, 'string_match_all'],
    ['cwe', 120, 'string_match_all'],
    ['fwe', 50, 'string_match_all'],
    ['qa_1', 32, 'string_match_part'],
    ['qa_2', 32, 'string_match_part'],
  ]);
});

describe('cwe', () => {
  const listOf = (text: string) => {
    const list = text.slice(text.lastIndexOf('appear most often.\n') + 'appear most often.\n'.length);
    return [...list.slice(0, list.indexOf('\nQuestion:')).matchAll(/(\d+)\. (\S+)/g)];
  };

  it('numbers a list in which ten words stand 30 times and all others 3 times, after one solved list', () => {
    const { user, answerPrefix, references } = builder('cwe').build(60);
    const list = listOf(user);
    expect(list.map(([, number]) => Number(number))).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
    const counts = countsOf(list.map(([, , word]) => word!));
    expect(counts.size).toBe(60);
    expect(references).toHaveLength(10);
    for (const [word, count] of counts) expect(count).toBe(references.includes(word) ? 30 : 3);
    expect(answerPrefix).toBe(' Answer: The top 10 words that appear most often in the list are:');
    const [example] = user.split('\nBelow is a numbered list');
    expect(example).toMatch(/in the list are: 1\. \S+ 2\. \S+ .* 10\. \S+$/);
    expect(countsOf([...listOf(`${example}`)].map(([, , word]) => word!)).size).toBe(40);
  });

  it('repeats less below 4,096 tokens: 6 and 1', () => {
    const { user, references } = builder('cwe', { length: 2048 }).build(40);
    const counts = countsOf(listOf(user).map(([, , word]) => word!));
    for (const [word, count] of counts) expect(count).toBe(references.includes(word) ? 6 : 1);
  });

  it('takes words of two when the lists are used up, and in 2024 ends there', () => {
    const few = { ...sources, nouns: ['ant', 'bee'], adjectives: ['calm', 'dark'], verbs: ['eat'] };
    for (let index = 0; few.nouns.length < 60; index++) few.nouns.push(`noun${index}`);
    const words = listOf(builder('cwe', {}, few).build(80).user).map(([, , word]) => word!);
    expect(countsOf(words).size).toBe(80);
    expect(words.some((word) => word.includes('-'))).toBe(true);
    expect(builder('cwe', { era: '2024' }, few)).toMatchObject({ maxUnits: 63, step: 10 });
    expect(builder('cwe', {}, few).maxUnits).toBeUndefined();
  });
});

describe('fwe', () => {
  const contextOf = (user: string) => /coded words\. (.*)\nQuestion: Do not provide/.exec(user)![1]!.split(' ');

  it('draws counts from the zeta distribution: dots first, then the three words asked for', () => {
    const units = 4000;
    const { user, references } = builder('fwe').build(units);
    const counts = countsOf(contextOf(user));
    const expected = (rank: number) => Math.floor((units * rank ** -2) / (Math.PI ** 2 / 6));
    expect(counts.get('...')).toBe(expected(1));
    expect(references.map((word) => counts.get(word))).toEqual([2, 3, 4].map(expected));
    expect(Math.max(...[...counts].filter(([word]) => ![...references, '...'].includes(word)).map(([, n]) => n))).toBe(
      expected(5),
    );
    for (const word of references) expect(word).toMatch(/^[a-z]{6}$/);
  });

  it('has the answer in its shortest prompt', () => {
    const shortest = builder('fwe', { length: 512 });
    const { user, references } = shortest.build(shortest.minUnits);
    const counts = countsOf(contextOf(user));
    expect(new Set(references.map((word) => counts.get(word))).size).toBe(3);
    expect([...counts.keys()]).toEqual(expect.arrayContaining(references));
  });

  it('makes its vocabulary of a fiftieth of the tokens; the answer counts since 2025', () => {
    const sizes = (['2024', '2025'] as const).map(
      (era) => countsOf(contextOf(builder('fwe', { era, length: 4096 }).build(1e6).user)).size,
    );
    expect(sizes).toEqual([Math.floor(4096 / 50), Math.floor((4096 - 50) / 50)]);
  });
});

describe.each(['qa_1', 'qa_2'] as const)('%s', (name) => {
  it('puts the documents that hold the answer among others, numbered, and the question last', () => {
    const { question, answers, documents } = sources.questions[name]!.questions[3]!;
    const { user, answerPrefix, references } = builder(name, { sample: 3 }).build(20);
    expect(references).toEqual(answers);
    expect(user.endsWith(`\n\nQuestion: ${question}`)).toBe(true);
    expect(answerPrefix).toBe(' Answer:');
    expect([...user.matchAll(/^Document (\d+):$/gm)].map(([, number]) => Number(number))).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    for (const index of documents) expect(user).toContain(sources.questions[name]!.documents[index]);
  });

  it('takes every document once before any comes twice, and in 2024 none twice', () => {
    const { documents } = sources.questions[name]!;
    const all = builder(name).build(documents.length).user;
    for (const document of documents) expect(all.split(document).length - 1).toBe(1);
    expect(builder(name).build(documents.length + 5).user).toContain(`Document ${documents.length + 5}:`);
    expect(builder(name, { era: '2024' }).maxUnits).toBe(documents.length);
  });

  it('places the right document anywhere', () => {
    const places = Array.from({ length: 40 }, (_, seed) => {
      const { user } = builder(name, { seed }).build(10);
      const { documents } = sources.questions[name]!.questions[0]!;
      const before = user.slice(0, user.indexOf(sources.questions[name]!.documents[documents[0]!]!));
      return before.split('Document ').length - 1;
    });
    expect(new Set(places).size).toBeGreaterThan(7);
  });
});

it('gives all prompts of 2024 the same worked example of variable tracking, and each of 2025 its own', () => {
  const exampleOf = (era: RulerEra, sample: number) =>
    builder('vt', { era, sample }).build(5).user.split('\n\nMemorize')[0];
  expect(exampleOf('2024', 1)).toBe(exampleOf('2024', 0));
  expect(exampleOf('2025', 1)).not.toBe(exampleOf('2025', 0));
});

describe('every task', () => {
  const names = RULER_TASKS.map(({ name }) => name);

  it.each(names)('%s: fits the length, keeps the question, and does not depend on what was made before', (name) => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(100),
          length: fc.integer({ min: 3000, max: 7000 }),
          sample: fc.nat(20),
          era: fc.constantFrom<RulerEra[]>('2024', '2025'),
        }),
        (place) => {
          const prompt = make(name, place);
          expect(prompt.tokens.length + task(name).maxNewTokens).toBeLessThanOrEqual(place.length);
          expect(make(name, place)).toEqual(prompt);
          for (const reference of prompt.references) expect(prompt.text).toContain(reference);
          // The answer's beginning stands behind the assistant's header.
          expect(prompt.text).toMatch(/<\|assistant\|>\n [^\n]*$/);
        },
      ),
      { numRuns: 6 },
    );
  });

  it.each(names)('%s: sample after sample, from whichever it begins, the same prompts', (name) => {
    const maker = () => createPromptMaker({ tokenizer, sources, seed: 1, suite: 'ruler' });
    const place = (sample: number) => ({ task: task(name), length: 4096, depth: null, sample });
    const [forward, backward] = [maker(), maker()];
    const ascending = [0, 1, 2].map((sample) => forward.make(place(sample)).sha256);
    expect([2, 1, 0].map((sample) => backward.make(place(sample)).sha256).reverse()).toEqual(ascending);
    expect(new Set(ascending).size).toBe(3);
  });

  it.each(names)('%s: a length without room is refused with the least one', (name) => {
    expect(() => make(name, { length: 100 })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(`at least \\d+ tokens for ${name}, found 100`),
      }),
    );
  });
});

it('hides needles in more words than fit an argument list', () => {
  const { user, references } = builder('niah_single_2', { length: 1e6 }).build(500_000);
  expect(user.split(' ').length).toBeGreaterThan(500_000);
  expect(user).toContain(`is: ${references[0]}.`);
});

it('makes the prompts that it made before', () => {
  const prompts = (['2024', '2025'] as const).flatMap((era) =>
    RULER_TASKS.map(({ name }) => make(name, { length: 4096, sample: 1, era }).sha256),
  );
  expect(createHash('sha256').update(prompts.join()).digest('hex')).toMatchInlineSnapshot(
    `"49a31cb6e2722a9f83563e780633f58aee03de382f701d91b4f1fd43cebb6691"`,
  );
});
