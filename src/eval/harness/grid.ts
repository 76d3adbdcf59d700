import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { hashJson } from '../../utils/hash.js';
import type { Method } from '../methods/method.js';
import type { NiahPlan } from '../niah/plan.js';
import type { EvalTask } from '../task.js';
import type { AnswerStore } from './answers.js';
import type { EvalPrompt, PromptMaker } from './prompt-maker.js';

/** One prompt's place in the grid. */
export interface GridPlace {
  task: string;
  length: number;
  depth: number;
  sample: number;
}

export interface GridMethod {
  name: string;
  patterns(length: number): LayerPatterns;
  patternsSha256(length: number): string;
}

/** All prompts to be answered, in the order in which they are, and the methods that answer each of them. */
export interface Grid {
  places: readonly GridPlace[];
  methods: readonly GridMethod[];
  task(name: string): EvalTask;
  makePrompt(place: GridPlace): EvalPrompt;
  /** How many answers of this grid are there. */
  countFinished(answers: AnswerStore): number;
}

/**
 * Lays out a plan: the shortest prompts first, so that a table begins to fill early.
 *
 * @throws {MinferenceError} USAGE when a length is too short for a task.
 */
export function createGrid(plan: NiahPlan, methods: readonly Method[], maker: PromptMaker): Grid {
  const task = (name: string) => plan.tasks.find((candidate) => candidate.name === name)!;
  const makePrompt = (place: GridPlace) => maker.make({ ...place, task: task(place.task) });
  const places = plan.lengths.flatMap((length) =>
    plan.tasks.flatMap(({ name }) =>
      plan.depths.flatMap((depth) =>
        Array.from({ length: plan.samples }, (_, sample): GridPlace => ({ task: name, length, depth, sample })),
      ),
    ),
  );
  const gridMethods = methods.map(withHashes);
  // The first prompt of each task at the shortest length: if one does not fit, it shows now and not hours later.
  for (const { name } of plan.tasks) makePrompt(places.find((place) => place.task === name)!);
  return {
    places,
    methods: gridMethods,
    task,
    makePrompt,
    countFinished: (answers) =>
      places.reduce((sum, place) => sum + gridMethods.filter((method) => isFinished(answers, place, method)).length, 0),
  };
}

/** True when the method's answer to the prompt is there. */
export const isFinished = (answers: AnswerStore, place: GridPlace, { name, patternsSha256 }: GridMethod): boolean =>
  answers.has(place, { method: name, patterns_sha256: patternsSha256(place.length) });

function withHashes({ name, patterns }: Method): GridMethod {
  const hashes = new Map<number, string>();
  return {
    name,
    patterns,
    patternsSha256(length) {
      const known = hashes.get(length) ?? hashJson(patterns(length));
      hashes.set(length, known);
      return known;
    },
  };
}
