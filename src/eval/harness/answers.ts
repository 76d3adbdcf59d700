import type { PredictionRecord } from './predictions.js';
import type { Answer, EvaluatedPrompt, Failure, PromptFacts } from './results.js';

type Place = Pick<PromptFacts, 'task' | 'length' | 'depth' | 'sample'>;
type Identity = Pick<Answer, 'method' | 'patterns_sha256'>;

/** Answers by place and method: what is finished of an evaluation. */
export interface AnswerStore {
  /** A later record of the same place and method replaces an earlier one; an answer is never replaced by a failure. */
  add(record: PredictionRecord): void;
  has(place: Place, identity: Identity): boolean;
  /** The prompts of these places with the answers of these methods, in the order of both. */
  collect(places: readonly Place[], methods: readonly MethodIdentity[]): EvaluatedPrompt[];
  /** Why answers are missing. */
  failures(places: readonly Place[], methods: readonly MethodIdentity[]): (Place & Failure)[];
  /** Everything, also what no place asks for now. */
  records(): PredictionRecord[];
}

/** A method and its patterns at a length. */
export interface MethodIdentity {
  name: string;
  patternsSha256(length: number): string;
}

interface Entry {
  facts: PromptFacts;
  answers: Map<string, Answer>;
  failures: Map<string, Failure>;
}

export function createAnswerStore(records: readonly PredictionRecord[] = []): AnswerStore {
  const prompts = new Map<string, Entry>();
  const store: AnswerStore = {
    add({ prompt, answer, failure }) {
      const key = placeKey(prompt);
      const entry = prompts.get(key) ?? { facts: prompt, answers: new Map(), failures: new Map() };
      prompts.set(key, entry);
      if (answer) {
        entry.answers.set(identityKey(answer), answer);
        entry.failures.delete(identityKey(answer));
      } else if (failure && !entry.answers.has(identityKey(failure))) {
        entry.failures.set(identityKey(failure), failure);
      }
    },
    has: (place, identity) => prompts.get(placeKey(place))?.answers.has(identityKey(identity)) ?? false,
    collect: (places, methods) =>
      places.flatMap((place) => {
        const entry = prompts.get(placeKey(place));
        if (!entry) return [];
        return [{ ...entry.facts, answers: wanted(entry.answers, place, methods) }];
      }),
    failures: (places, methods) =>
      places.flatMap((place) => {
        const { task, length, depth, sample } = place;
        const own = prompts.get(placeKey(place))?.failures ?? new Map<string, Failure>();
        return wanted(own, place, methods).map((failure) => ({ task, length, depth, sample, ...failure }));
      }),
    records: () =>
      [...prompts.values()].flatMap(({ facts: prompt, answers, failures }) => [
        ...[...answers.values()].map((answer) => ({ prompt, answer })),
        ...[...failures.values()].map((failure) => ({ prompt, failure })),
      ]),
  };
  for (const record of records) store.add(record);
  return store;
}

const wanted = <Item>(
  items: ReadonlyMap<string, Item>,
  { length }: Place,
  methods: readonly MethodIdentity[],
): Item[] =>
  methods.flatMap(({ name, patternsSha256 }) => {
    const key = identityKey({ method: name, patterns_sha256: patternsSha256(length) });
    return items.get(key) ?? [];
  });

const placeKey = ({ task, length, depth, sample }: Place) => JSON.stringify([task, length, depth, sample]);
const identityKey = ({ method, patterns_sha256 }: Identity) => JSON.stringify([method, patterns_sha256]);
