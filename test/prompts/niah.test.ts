import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadHaystack } from '../../src/datasets/load-haystack.js';
import { loadWords } from '../../src/datasets/load-words.js';
import { createPromptMaker, type PromptPlace } from '../../src/eval/harness/prompt-maker.js';
import { TASKS } from '../../src/eval/niah/tasks.js';
import type { PromptRequest, PromptSources } from '../../src/prompts/prompt.js';
import { createRandom } from '../../src/utils/prng.js';
import { fakeTokenizer } from '../eval/helpers/fake-tokenizer.js';

const tokenizer = fakeTokenizer();
let sources: PromptSources;

beforeAll(async () => {
  const { essays } = await loadHaystack();
  const countTokens = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).length;
  sources = { ...(await loadWords()), essays, questions: {}, countTokens };
});

const task = (name: string) => TASKS.find((candidate) => candidate.name === name)!;
const occurrences = (text: string, part: string) => text.split(part).length - 1;

function request({ name, depth, seed }: { name: string; depth: number; seed: number }): PromptRequest {
  const random = (label: string) => createRandom(seed, name, label);
  return { depth, length: 4096, maxNewTokens: 128, sample: 0, era: '2025', random, task: random };
}

function build(name: string, { depth = 0.5, seed = 0, units = 200 } = {}) {
  return task(name).generator(sources, request({ name, depth, seed })).build(units);
}

function make(seed: number, place: Partial<PromptPlace> & Pick<PromptPlace, 'task'>) {
  const { tokens, ...rest } = createPromptMaker({ tokenizer, sources, seed, suite: 'niah' }).make({
    length: 2048,
    depth: 50,
    sample: 0,
    ...place,
  });
  return { ...rest, tokens, text: tokenizer.decode(tokens) };
}

describe('wording', () => {
  it('asks for one number in the singular, with the answer begun behind the generation prompt', () => {
    const { user, answerPrefix, references } = build('niah_single_1', { units: 2, depth: 1 });
    const key = /magic number for (\S+) mentioned in the provided text\?$/.exec(user)?.[1];
    expect(user).toBe(
      'A special magic number is hidden within the following text. Make sure to memorize it. ' +
        'I will quiz you about the number afterwards.\n' +
        'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.\n' +
        'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.\n' +
        `One of the special magic numbers for ${key} is: ${references[0]}.\n` +
        `What is the special magic number for ${key} mentioned in the provided text?`,
    );
    expect(answerPrefix).toBe(` The special magic number for ${key} mentioned in the provided text is`);
    expect(make(0, { task: task('niah_single_1') }).text).toMatch(
      /<\|assistant\|>\n The special magic number for \S+ mentioned in the provided text is$/,
    );
  });

  it('asks for several values in the plural', () => {
    const { user, answerPrefix, references } = build('niah_multiquery');
    expect(references).toHaveLength(4);
    expect(user).toMatch(/^Some special magic numbers are hidden within the following text\./);
    expect(user).toMatch(
      /What are all the special magic numbers for \S+, \S+, \S+, and \S+ mentioned in the provided text\?$/,
    );
    expect(answerPrefix).toMatch(/^ The special magic numbers for .* mentioned in the provided text are$/);
    expect(build('niah_multivalue').user).toMatch(/for \S+ mentioned in the provided text\?$/);
  });

  it('writes keys and values of the kinds the tasks name', () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(build('niah_single_1').references[0]).toMatch(/^[1-9]\d{6}$/);
    expect(build('niah_single_3').references[0]).toMatch(uuid);
    expect(build('niah_multikey_2').user).toMatch(/special magic number for [a-z]+-[a-z]+ mentioned/);
    expect(build('niah_multikey_3').user).toMatch(/special magic uuid for [0-9a-f-]{36} mentioned/);
    expect(build('passkey').references[0]).toMatch(/^\d{5}$/);
  });

  it('puts a solved chain of other names and another value in front of the one to track', () => {
    const { user, answerPrefix, references } = build('vt');
    const [example, question] = user.split('\n\nMemorize and track');
    expect(references).toHaveLength(5);
    expect(new Set(references).size).toBe(5);
    const value = new RegExp(`VAR ${references[0]} = (\\d{5})\n`).exec(question!)?.[1];
    expect(answerPrefix).toBe(
      ` Answer: According to the chain(s) of variable assignment in the text above, 5 variables are assigned the value ${value}, they are: `,
    );
    for (const [index, name] of references.slice(1).entries()) {
      expect(occurrences(question!, `VAR ${name} = VAR ${references[index]}`)).toBe(1);
    }
    const at = references.map((name) => question!.indexOf(`VAR ${name} =`));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(example).not.toContain(value);
    expect(example).toMatch(/5 variables are assigned the value \d{5}, they are: {2}([A-Z]{3} ){4}[A-Z]{3}$/);
    expect(sources.countTokens(example!.replace(/ ([A-Z]{3} ){4}[A-Z]{3}$/, ''))).toBeLessThanOrEqual(500);
  });
});

describe('every task', () => {
  it.each(TASKS.map(({ name }) => name))('%s: fits the length, repeats, and hides its answers once', (name) => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(1000),
          length: fc.integer({ min: 1024, max: 4500 }),
          depth: fc.integer({ min: 0, max: 100 }),
          sample: fc.nat(9),
        }),
        ({ seed, ...place }) => {
          const prompt = make(seed, { ...place, task: task(name) });
          const { maxNewTokens } = task(name);
          expect(prompt.tokens.length + maxNewTokens).toBeLessThanOrEqual(place.length);
          // One more unit (a needle of two UUIDs at most) would not have fitted.
          expect(prompt.tokens.length + maxNewTokens).toBeGreaterThan(place.length - 80);
          expect(make(seed, { ...place, task: task(name) })).toEqual(prompt);
          for (const reference of prompt.references) {
            const expected =
              name === 'passkey' ? 2 : name === 'vt' ? (reference === prompt.references.at(-1) ? 1 : 2) : 1;
            expect(occurrences(prompt.text, reference)).toBe(expected);
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it.each(TASKS.map(({ name }) => name))('%s: another seed, depth, length or sample is another prompt', (name) => {
    const base = { task: task(name), length: 1500, depth: 50, sample: 0 };
    const hashes = [make(0, base), make(1, base), make(0, { ...base, sample: 1 }), make(0, { ...base, length: 1600 })];
    expect(new Set(hashes.map(({ sha256 }) => sha256)).size).toBe(4);
  });

  it.each(['niah_single_1', 'niah_single_2', 'niah_multikey_1', 'niah_multikey_3', 'passkey', 'kv_retrieval'])(
    '%s: the needle stands at the depth asked for',
    (name) => {
      for (const depth of [0, 10, 37, 50, 90, 100]) {
        const { text, references } = make(3, { task: task(name), length: 4096, depth });
        const context = text.slice(0, text.lastIndexOf('\n', text.indexOf('<|assistant|>') - 20));
        const at = context.indexOf(references[0]!) / context.length;
        // Instructions before the haystack and the needle itself shift it a little.
        expect(at).toBeGreaterThan(depth / 100 - 0.06);
        expect(at).toBeLessThan(depth / 100 + 0.06);
      }
    },
  );

  it('hides the needles nobody asks for too', () => {
    const { user, references } = build('niah_multikey_1', { units: 500 });
    const needles = [...user.matchAll(/One of the special magic numbers for (\S+) is: (\d{7})\./g)];
    expect(needles).toHaveLength(4);
    expect(needles.map(([, , value]) => value)).toContain(references[0]);
    expect(new Set(needles.map(([, key]) => key)).size).toBe(4);
  });

  it('makes every line of a needle haystack a needle with its own key and value', () => {
    const { user } = build('niah_multikey_2', { units: 300 });
    const needles = [...user.matchAll(/^One of the special magic numbers for (\S+) is: (\d{7})\.$/gm)];
    expect(needles).toHaveLength(301);
    expect(new Set(needles.map(([, key]) => key)).size).toBe(301);
    expect(new Set(needles.map(([, , value]) => value)).size).toBe(301);
  });

  it('draws again what the haystack contains already', () => {
    const [first] = build('niah_single_2').references;
    const includes = (text: string) => text === first;
    const generator = task('niah_single_2').generator(
      { ...sources, essays: { ...sources.essays, includes } },
      request({ name: 'niah_single_2', depth: 0.5, seed: 0 }),
    );
    expect(generator.build(200).references[0]).not.toBe(first);
  });

  it('refuses a length that has no room', () => {
    expect(() => make(0, { task: task('vt'), length: 300 })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(/at least \d+ tokens for vt, found 300/),
      }),
    );
  });
});
