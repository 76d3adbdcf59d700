import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { rotated } from '../../utils/rotated.js';
import { hashPatterns, type Method } from '../methods/method.js';
import type { EvalPlan } from '../suite.js';
import type { EvalTask } from '../task.js';
import type { AnswerStore } from './answers.js';
import type { EvalPrompt, PromptMaker } from './prompt-maker.js';
import type { Shard } from './shard.js';

/** One prompt's place in the grid. */
export interface GridPlace {
  task: string;
  length: number;
  depth: number | null;
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
 * Lays out a plan, or a shard of it. One sample of everything after another, so that every part of a run is like the
 * whole: a table of few samples is complete, times can be told beforehand, and shards are alike.
 *
 * @throws {MinferenceError} USAGE when a length is too short for a task; PROMPT_TOO_LONG when a given prompt is
 */
export function createGrid(plan: EvalPlan, methods: readonly Method[], maker: PromptMaker, shard?: Shard): Grid {
  const task = (name: string) => plan.tasks.find((candidate) => candidate.name === name)!;
  const makePrompt = (place: GridPlace) => maker.make({ ...place, task: task(place.task) });
  const all = placesOf(plan);
  const places = shard ? all.filter((_, index) => index % shard.count === shard.index - 1) : all;
  const gridMethods = methods.map(
    (method): GridMethod => ({
      name: method.name,
      patterns: method.patterns,
      patternsSha256: (length) => hashPatterns(method, length),
    }),
  );
  // At the shortest length: what does not fit shows now and not hours later.
  const [shortest] = plan.lengths;
  for (const candidate of plan.tasks) {
    const own = all.filter(({ task, length }) => task === candidate.name && length === shortest);
    const seen = candidate.varies ? own : own.slice(0, 1);
    maker.checkRoom(seen.map((place) => ({ ...place, task: candidate })));
  }
  return {
    places,
    methods: gridMethods,
    task,
    makePrompt,
    countFinished: (answers) =>
      places.reduce((sum, place) => sum + gridMethods.filter((method) => isFinished(answers, place, method)).length, 0),
  };
}

interface GridShape extends Pick<EvalPlan, 'lengths' | 'depths' | 'samples'> {
  tasks: readonly Pick<EvalTask, 'name' | 'count'>[];
}

/** A plan's places, the same for every shard: sample by sample, each time beginning one place later. */
export function placesOf({ tasks, lengths, depths, samples }: GridShape): GridPlace[] {
  return Array.from({ length: samples }, (_, sample) => {
    const sweep = lengths.flatMap((length) =>
      tasks.flatMap(({ name, count = Infinity }) =>
        sample >= count ? [] : (depths ?? [null]).map((depth): GridPlace => ({ task: name, length, depth, sample })),
      ),
    );
    return rotated(sweep, sample);
  }).flat();
}

/** True when the method's answer to the prompt is there. */
export const isFinished = (answers: AnswerStore, place: GridPlace, { name, patternsSha256 }: GridMethod): boolean =>
  answers.has(place, { method: name, patterns_sha256: patternsSha256(place.length) });
