import { expect, it } from 'vitest';
import { METRICS } from '../../src/eval/metrics/metrics.js';
import { niahSuite } from '../../src/eval/niah/suite.js';
import type { PromptRequest } from '../../src/prompts/prompt.js';
import { createRandom } from '../../src/utils/prng.js';

const { tasks } = niahSuite.plan({ tasks: 'original,minference' });
const { sources } = await niahSuite.load(niahSuite.plan({}), {}, undefined as never);

function build(name: string, depth: number, sample = 0) {
  const task = tasks.find((task) => task.name === name)!;
  const random: PromptRequest['random'] = (label) => createRandom(7, sample, label);
  const request = { depth, length: 2048, maxNewTokens: task.maxNewTokens, sample, era: '2025', random, task: random };
  return task.generator({ ...sources, countTokens: () => 0 }, request as PromptRequest);
}

it('the original needle stands once, at its depth, and is asked for by its own question', () => {
  const needle = 'The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.';
  for (const [depth, from, to] of [
    [0, 0, 0.1],
    [0.5, 0.4, 0.6],
    [1, 0.85, 1],
  ] as const) {
    const { user } = build('niah_original', depth).build(600);
    expect(user.split(needle)).toHaveLength(2);
    expect(user.indexOf(needle) / user.length).toBeGreaterThanOrEqual(from);
    expect(user.indexOf(needle) / user.length).toBeLessThanOrEqual(to);
    expect(user.endsWith('What is the best thing to do in San Francisco?')).toBe(true);
  }
});

it('an answer to the original question scores by the words of the needle that it has', () => {
  const { references } = build('niah_original', 0.5).build(50);
  const score = METRICS.string_match_all;
  expect(score('Eat a sandwich and sit in Dolores Park on a sunny day.', references)).toBe(1);
  expect(score('You should eat a sandwich in Dolores Park.', references)).toBeCloseTo(2 / 3);
  expect(score('Visit the bridge.', references)).toBe(0);
});

it('MInference’s needle is a number of seven digits for the city that is asked for, drawn anew for every prompt', () => {
  const made = Array.from({ length: 20 }, (_, sample) => build('niah_minference', 0.3, sample).build(100));
  for (const { user, references } of made) {
    const [, city, number] = /The special magic (\S+) number is: (\d{7})\./.exec(user)!;
    expect(references).toEqual([number]);
    expect(user.endsWith(`What is the special magic ${city} number?`)).toBe(true);
  }
  expect(new Set(made.map(({ references }) => references[0])).size).toBeGreaterThan(15);
});
