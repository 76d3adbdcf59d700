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
  /** Fewest units (words, lines, pairs or documents) that make a prompt of this task. */
  minUnits: number;
  /** Most units there are to take; without it, as many as wanted. */
  maxUnits?: number;
  /** Sizes are multiples of it where there is room for one; 1 by default. */
  step?: number;
  /** The prompt with `units` of haystack; the same for the same number. */
  build(units: number): PromptText;
}

/** What prompts are made of. */
export interface PromptSources {
  essays: Essays;
  adjectives: readonly string[];
  nouns: readonly string[];
  verbs: readonly string[];
  /** For the tasks that ask about documents. */
  questions: Readonly<Partial<Record<QaName, QuestionSet>>>;
  /** A benchmark's own items by task, for the tasks that are no program's to make. */
  items?: Readonly<Record<string, readonly BenchmarkItem[]>>;
  /** Prompts by task that are made already. */
  given?: Readonly<Record<string, readonly GivenPrompt[]>>;
  /** Tokens of a text under the model's tokenizer, without special tokens. */
  countTokens(text: string): number;
}

/** A prompt that somebody else made. */
export type GivenPrompt = Readonly<Omit<PromptText, 'references'>> & { references: readonly string[] };

/** One item of a benchmark's file: a long text, what is asked about it, and what is right. */
export interface BenchmarkItem {
  context: string;
  /** Values of the template's slots besides the context. */
  slots: Readonly<Record<string, string>>;
  references: readonly string[];
}

/** RULER's two question sets: answers in one document, and answers that take two facts. */
export type QaName = 'qa_1' | 'qa_2';

export interface QuestionSet {
  documents: readonly string[];
  questions: readonly Question[];
}

export interface Question {
  question: string;
  /** Any of them is right. */
  answers: readonly string[];
  /** Documents that the answer is taken from, as indices. */
  documents: readonly number[];
  /** Documents on the same subject, which are the first to be put beside them. */
  related: readonly number[];
}

/**
 * RULER's rules changed in May 2025: corpora are repeated where they were capped, sizes move by single units where they
 * moved by steps, the worked example of variable tracking changes from prompt to prompt, and the answer counts in the
 * size of frequent words. `src/eval/README.md` has the table.
 */
export type RulerEra = '2024' | '2025';

/** Below this many tokens RULER makes smaller prompts of some tasks. */
export const SHORT = 4096;

export interface PromptRequest {
  /** Where in the haystack the needle stands: 0 its start, 1 its end; null: drawn like those of all other needles. */
  depth: number | null;
  /** Tokens of prompt and answer together that the prompt will be fitted to. */
  length: number;
  /** Most tokens of the answer. */
  maxNewTokens: number;
  /** Number of the prompt among those of its task and length. */
  sample: number;
  era: RulerEra;
  /** A fresh stream of random choices per label, always the same for a label. */
  random(label: string): Random;
  /** The same, but one stream for all prompts of a task and length. */
  task(label: string): Random;
}

/** Makes the prompts of a task. Pure: the same sources and request give the same text. */
export type PromptGenerator = (sources: PromptSources, request: PromptRequest) => PromptBuilder;
