import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import type { Random } from '../utils/prng.js';
import { fitUnits } from './fit-units.js';
import { hideInLines } from './hide.js';
import { type PromptGenerator, type PromptSources, SHORT } from './prompt.js';
import { fill, WORDING } from './wording.js';

const HOPS = 4;
const NAME_LENGTH = 5;
const EXAMPLE_NAME_LENGTH = 3;
/** RULER sizes the worked example to 500 tokens at most, and to no fewer than five lines of noise. */
const EXAMPLE_TOKENS = 500;
const EXAMPLE_MIN_LINES = 5;
/** Lines by which sizes moved until May 2025, and where prompts have fewer than 4,096 tokens. */
const STEP = 10;
const SMALL_STEP = 5;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * RULER's variable tracking: a chain of assignments hidden in noise, after one worked example. One assignment stands at
 * the depth requested, the others anywhere, in the order of the chain. Until May 2025 all prompts of a length had the same
 * worked example.
 */
export const variableTracking: PromptGenerator = (sources, { depth, random, task, era, length }) => {
  const example = workedExample(sources, era === '2024' ? task('example') : random('example'));
  const chain = drawChain(random('chain'), NAME_LENGTH, example.value);
  const places = random('places');
  const depths = [depth ?? places.float(), ...Array.from({ length: HOPS }, () => places.float())].sort((a, b) => a - b);
  return {
    minUnits: 1,
    ...defined({ step: era === '2024' ? (length < SHORT ? SMALL_STEP : STEP) : undefined }),
    build(units) {
      const { question, answerPrefix } = askAbout(chain, units, depths);
      return { user: `${example.text}\n\n${question}`, answerPrefix, references: chain.names };
    },
  };
};

interface Chain {
  names: string[];
  value: string;
}

function drawChain(random: Random, nameLength: number, otherValue?: string): Chain {
  const names = new Set<string>();
  while (names.size <= HOPS) {
    names.add(Array.from({ length: nameLength }, () => random.pick([...LETTERS])).join(''));
  }
  for (;;) {
    const value = String(random.int(10_000, 99_998));
    if (value !== otherValue) return { names: [...names], value };
  }
}

function askAbout({ names, value }: Chain, units: number, depths: readonly number[]) {
  const { template, answerPrefix, assignment, copy } = WORDING.variableTracking;
  const lines = names.map((name, index) => ({
    text: index === 0 ? fill(assignment, { name, value }) : fill(copy, { name, value: names[index - 1]! }),
    depth: depths[index]!,
  }));
  const context = hideInLines(Array<string>(units).fill(WORDING.noise), lines);
  const values = { query: value, count: String(names.length) };
  return { question: fill(template, { ...values, context }), answerPrefix: fill(answerPrefix, values) };
}

/** A solved task in front of the question. */
function workedExample({ countTokens }: PromptSources, random: Random): { text: string; value: string } {
  const chain = drawChain(random, EXAMPLE_NAME_LENGTH);
  const depths = Array.from({ length: HOPS + 1 }, () => random.float()).sort((a, b) => a - b);
  const ask = (units: number) => {
    const { question, answerPrefix } = askAbout(chain, units, depths);
    return question + answerPrefix;
  };
  const units = fitUnits({
    limit: EXAMPLE_TOKENS,
    minUnits: EXAMPLE_MIN_LINES,
    count: (lines) => countTokens(ask(lines)),
  })?.units;
  if (units === undefined) {
    throw new MinferenceError(
      'DATASET_INVALID',
      `expected a tokenizer under which the worked example of vt has ${EXAMPLE_TOKENS} tokens or fewer, found more`,
      { hint: 'leave vt out of --tasks' },
    );
  }
  return { text: `${ask(units)} ${chain.names.join(' ')}`, value: chain.value };
}
