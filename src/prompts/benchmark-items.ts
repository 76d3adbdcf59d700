import { MinferenceError } from '../errors.js';
import type { PromptGenerator } from './prompt.js';
import { fill, type Wording } from './wording.js';

/**
 * Prompts of a benchmark's own items, in the order of their file. Texts that are too long lose their middle, as in
 * InfiniteBench: what stands around them, the question above all, is kept whole. A unit is a character.
 */
export function benchmarkItems(task: string, { template, answerPrefix }: Wording): PromptGenerator {
  return ({ items }, { sample }) => {
    const list = items?.[task];
    if (!list || list.length === 0)
      throw new MinferenceError('DATASET_INVALID', `expected items of ${task}, found none`);
    const { context, slots, references } = list[sample % list.length]!;
    const { length } = context;
    return {
      minUnits: Math.min(1, length),
      maxUnits: length,
      build: (units) => ({
        user: fill(template, { ...slots, context: units >= length ? context : withoutMiddle(context, units) }),
        answerPrefix: fill(answerPrefix, slots),
        references: [...references],
      }),
    };
  };
}

/** The first and the last half of what is kept, cut between characters of Unicode. */
function withoutMiddle(text: string, kept: number): string {
  const head = Math.ceil(kept / 2);
  const tail = text.length - (kept - head);
  return text.slice(0, isInside(text, head) ? head - 1 : head) + text.slice(isInside(text, tail) ? tail + 1 : tail);
}

/** Whether a place splits a surrogate pair. */
const isInside = (text: string, at: number) => /^[\uDC00-\uDFFF]/.test(text.slice(at, at + 1)) && at > 0;
