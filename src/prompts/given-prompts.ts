import { MinferenceError } from '../errors.js';
import type { PromptGenerator } from './prompt.js';

/** Prompts that somebody else made, in the order of their file. They have the size they have. */
export function givenPrompts(task: string): PromptGenerator {
  return ({ given }, { sample }) => {
    const prompt = given?.[task]?.[sample];
    if (!prompt) throw new MinferenceError('DATASET_INVALID', `expected prompt ${sample + 1} of ${task}, found none`);
    return { minUnits: 0, maxUnits: 0, build: () => ({ ...prompt, references: [...prompt.references] }) };
  };
}
