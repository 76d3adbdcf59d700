import type { AnswerRecord } from './journal.js';
import type { Answer, EvaluatedPrompt, PromptFacts } from './results.js';

type Place = Pick<PromptFacts, 'task' | 'length' | 'depth' | 'sample'>;
type AnswerIdentity = Pick<Answer, 'method' | 'patterns_sha256'>;

/** Answers by place and method: what is finished of an evaluation. */
export interface AnswerStore {
  readonly size: number;
  add(record: AnswerRecord): void;
  has(place: Place, answer: AnswerIdentity): boolean;
  /** The prompts of a grid with the answers of these methods, in the grid's order. */
  collect(places: readonly Place[], methods: readonly AnswerIdentities[]): EvaluatedPrompt[];
}

/** A method and its patterns at a length. */
export interface AnswerIdentities {
  name: string;
  patternsSha256(length: number): string;
}

export function createAnswerStore(): AnswerStore {
  const prompts = new Map<string, { facts: PromptFacts; answers: Map<string, Answer> }>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add({ prompt, answer }) {
      const key = placeKey(prompt);
      const entry = prompts.get(key) ?? { facts: prompt, answers: new Map() };
      prompts.set(key, entry);
      if (!entry.answers.has(answerKey(answer))) size++;
      entry.answers.set(answerKey(answer), answer);
    },
    has: (place, answer) => prompts.get(placeKey(place))?.answers.has(answerKey(answer)) ?? false,
    collect: (places, methods) =>
      places.flatMap((place) => {
        const entry = prompts.get(placeKey(place));
        if (!entry) return [];
        const answers = methods.flatMap(({ name, patternsSha256 }) => {
          const identity = { method: name, patterns_sha256: patternsSha256(place.length) };
          return entry.answers.get(answerKey(identity)) ?? [];
        });
        return [{ ...entry.facts, answers }];
      }),
  };
}

const placeKey = ({ task, length, depth, sample }: Place) => JSON.stringify([task, length, depth, sample]);
const answerKey = ({ method, patterns_sha256 }: AnswerIdentity) => JSON.stringify([method, patterns_sha256]);
