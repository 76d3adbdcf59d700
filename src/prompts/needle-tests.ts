import { sentenceStart } from './essays.js';
import { hideInEssays } from './hide.js';
import type { PromptGenerator } from './prompt.js';
import { fill, WORDING } from './wording.js';

const DIGITS = 7;

/** Names that MInference's variant would give a magic number; ours, as any city will do. */
const CITIES = [
  ...['Lisbon', 'Nairobi', 'Osaka', 'Bogota', 'Tallinn', 'Cairo', 'Perth', 'Chicago', 'Hanoi', 'Vienna'],
  ...['Montreal', 'Lima', 'Krakow', 'Dakar', 'Auckland', 'Seoul', 'Porto', 'Denver', 'Pune', 'Bergen'],
] as const;

/** One needle at the depth asked for, between sentences of essays. */
function needleTest(
  of: (random: Parameters<PromptGenerator>[1]['random']) => { needle: string; question: string; references: string[] },
): PromptGenerator {
  return ({ essays }, { depth, random }) => {
    const { needle, question, references } = of(random);
    const start = sentenceStart(essays, random('haystack').float());
    const hidden = [{ text: needle, depth: depth ?? random('depth').float() }];
    return {
      minUnits: 1,
      build: (count) => ({
        user: fill(WORDING.needleTest, { context: hideInEssays(essays, { start, count }, hidden), question }),
        answerPrefix: '',
        references,
      }),
    };
  };
}

/**
 * The first needle in a haystack (G. Kamradt, 2023): a sentence about San Francisco in essays. Judged by the words that an answer
 * must have, where the original asks a language model.
 */
export const originalNeedle = needleTest(() => WORDING.originalNeedle);

/** MInference's needle (its experiments/needle_in_a_haystack): a city's magic number of seven digits in running text. */
export const magicCity = needleTest((random) => {
  const draw = random('needle');
  const city = CITIES[draw.int(0, CITIES.length - 1)]!;
  const number = String(draw.int(10 ** (DIGITS - 1), 10 ** DIGITS - 1));
  const { needle, question } = WORDING.magicCity;
  return { needle: fill(needle, { city, number }), question: fill(question, { city }), references: [number] };
});
