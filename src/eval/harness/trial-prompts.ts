import type { EvalPlan } from '../suite.js';
import { placesOf } from './grid.js';
import type { PromptMaker } from './prompt-maker.js';

/** Prompts on which methods without sizes are fitted to a cost. */
const PROMPTS = 3;
/** Added to the seed: prompts that are fitted to are not those that are evaluated (given ones can be no others). */
const OTHER_SEED = 1_000_003;

/** Prompts of a length for trials, from tasks all over the plan, the same for every shard. */
export function trialPrompts(
  plan: EvalPlan,
  makerOf: (seed: number) => PromptMaker,
): (length: number) => readonly (readonly number[])[] {
  const made = new Map<number, number[][]>();
  return (length) => {
    const known = made.get(length) ?? makeAll(plan, length, makerOf(plan.seed + OTHER_SEED));
    made.set(length, known);
    return known;
  };
}

function makeAll(plan: EvalPlan, length: number, maker: PromptMaker): number[][] {
  const places = placesOf({ ...plan, lengths: [length], samples: 1 });
  const step = places.length / Math.min(PROMPTS, places.length);
  const chosen = places.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  const task = (name: string) => plan.tasks.find((candidate) => candidate.name === name)!;
  return chosen.map((place) => maker.make({ ...place, task: task(place.task) }).tokens);
}
