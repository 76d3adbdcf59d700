import type { Random } from '../utils/prng.js';
import type { Essays } from './essays.js';

/** A task's prompt as text, before the model's chat template. */
export interface PromptText {
  /** The user's message. */
  user: string;
  /** Beginning of the answer, put behind the generation prompt as it is; may be empty. */
  answerPrefix: string;
  /** What a right answer contains. */
  references: string[];
}

/** One prompt of a task in every size. */
export interface PromptBuilder {
  /** Fewest units (words, lines or pairs of haystack) that make a prompt of this task. */
  minUnits: number;
  /** The prompt with `units` of haystack; the same for the same number. */
  build(units: number): PromptText;
}

/** What prompts are made of. */
export interface PromptSources {
  essays: Essays;
  adjectives: readonly string[];
  nouns: readonly string[];
  /** Tokens of a text under the model's tokenizer, without special tokens. */
  countTokens(text: string): number;
}

export interface PromptRequest {
  /** Where in the haystack the needle stands: 0 its start, 1 its end. */
  depth: number;
  /** A fresh stream of random choices per label, always the same for a label. */
  random(label: string): Random;
}

/** Makes the prompts of a task. Pure: the same sources and request give the same text. */
export type PromptGenerator = (sources: PromptSources, request: PromptRequest) => PromptBuilder;
